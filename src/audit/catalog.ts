import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import type { z } from "zod";
import { packagePath, schemaAsWritten } from "#core";
import {
  adaptations,
  architectures,
  augmentations,
  optimizers,
  regularizers,
  weightings,
} from "#tuning";
import { ownUnits, reactiveOf, type Units } from "#units";
import { explainedChecks } from "./trust/index.ts";

/** One thing that a suite can name. */
export interface CatalogEntry {
  readonly id: string;
  readonly title: string;
  readonly [meta: string]: unknown;
}

/**
 * Everything that a suite can name, by kind, where there are these units, and the
 * checks that judge it.
 */
export const catalog: Readonly<
  Record<string, (units?: Units) => CatalogEntry[]>
> = {
  attacks: ({ attacks, textAttacks } = ownUnits) =>
    [...attacks, ...textAttacks].map(entry),
  defenses: (units = ownUnits) =>
    [...reactiveOf(units), ...units.trainingDefenses].map(entry),
  trials: ({ trialAttacks } = ownUnits) => trialAttacks.map(entry),
  repairs: ({ repairs } = ownUnits) => repairs.map(entry),
  strategies: ({ strategies } = ownUnits) => strategies.map(entry),
  suites: readSuites,
  schedules: ({ schedules } = ownUnits) => schedules.map(entry),
  optimizers: () => optimizers.map(entry),
  augmentations: () => augmentations.map(entry),
  regularizers: () => regularizers.map(entry),
  adaptations: () => adaptations.map(entry),
  weightings: () => weightings.map(entry),
  architectures: () =>
    architectures.map(({ build, ...entry }) => ({ ...entry })),
  checks: () => explainedChecks.map((check) => ({ ...check })),
};

/**
 * A unit without its functions; its parameters as a JSON schema, which
 * has their defaults.
 */
function entry(unit: {
  id: string;
  title: string;
  params: z.ZodObject;
}): CatalogEntry {
  const { params, ...rest } = unit;
  const meta = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => typeof value !== "function"),
  );
  return {
    ...meta,
    id: unit.id,
    title: unit.title,
    params: schemaAsWritten(params).properties ?? {},
  };
}

function readSuites(): CatalogEntry[] {
  const folder = packagePath("suites");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => {
      const { title } = parse(readFileSync(`${folder}/${name}`, "utf8")) as {
        title: string;
      };
      return { id: name.replace(/\.yaml$/, ""), title, file: `suites/${name}` };
    });
}
