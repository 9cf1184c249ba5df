import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { packagePath, schemaAsWritten, type Unit } from "#core";
import { type Source, sourceId } from "#data";
import {
  adaptations,
  architectures,
  augmentations,
  optimizers,
  regularizers,
  weightings,
} from "#tuning";
import { ownUnits, reactiveOf, type Units } from "#units";
import { presetNames } from "./suite/index.ts";
import { trialChecks } from "./trials/index.ts";
import { checksOf, explainedChecks } from "./trust/index.ts";

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
  presets: readPresets,
  schedules: ({ schedules } = ownUnits) => schedules.map(entry),
  sources: ({ sources } = ownUnits) => sources.map(sourceEntry),
  optimizers: () => optimizers.map(entry),
  augmentations: () => augmentations.map(entry),
  regularizers: () => regularizers.map(entry),
  adaptations: () => adaptations.map(entry),
  weightings: () => weightings.map(entry),
  architectures: () =>
    architectures.map(({ build, ...entry }) => ({ ...entry })),
  checks: ({ trustChecks } = ownUnits) =>
    [...explainedChecks, ...trialChecks, ...checksOf(trustChecks)].map(
      withoutFunctions,
    ),
};

/**
 * A unit without its functions; its parameters as a JSON schema, which
 * has their defaults.
 */
function entry({ params, ...rest }: Unit & { title: string }): CatalogEntry {
  return {
    ...withoutFunctions(rest),
    params: schemaAsWritten(params).properties ?? {},
  };
}

/** What is said of a unit; of one from outside, which module brought it. */
export function withoutFunctions(
  unit: Pick<Unit, "id" | "module"> & { title: string },
): CatalogEntry {
  const { id, title, module, ...rest } = unit;
  const meta = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => typeof value !== "function"),
  );
  return { id, title, ...meta, ...(module ? { module: module.name } : {}) };
}

function sourceEntry(source: Source): CatalogEntry {
  const { description = "", properties = {} } = schemaAsWritten(source.schema);
  const { source: _, ...params } = properties;
  const unit = { ...source, id: sourceId(source), title: description };
  return { ...withoutFunctions(unit), schema: undefined, params };
}

/** Each says what it is in the first line of its comment, and whence below. */
function readPresets(): CatalogEntry[] {
  return presetNames().map((id) => {
    const file = `suites/presets/${id.split(":")[1]}.yaml`;
    const comment = readFileSync(packagePath(file), "utf8")
      .split("\n")
      .filter((one) => one.startsWith("#"))
      .map((one) => one.slice(1).trim());
    const [title = "", , ...rest] = comment;
    return { id, title, summary: rest.join(" "), file };
  });
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
