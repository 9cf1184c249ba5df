import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, UsageError } from "#core";
import { type ScheduleFunction, scheduleOf } from "#tuning";
import type { Suite } from "./schema.ts";

/** Whether a file is a module rather than YAML. */
export const isModule = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);

/** What a module exports as a suite, before it is checked. */
export interface ModuleSuite {
  /** The object that the YAML would give. */
  readonly plain: unknown;
  /** The checked suite, in which schedules may be functions. */
  whole(suite: Suite): Suite;
}

/**
 * A suite as a module exports it under the name `suite`.
 *
 * @param version names what is in the file, so that a changed one is read anew
 * @throws SUITE_TYPESCRIPT when Node does not read TypeScript, SUITE_MODULE
 */
export async function importSuite(
  file: string,
  version: string,
): Promise<ModuleSuite> {
  return statedSuite(await exported(file, version));
}

/** A suite as an object of the code that runs it. */
export function statedSuite(stated: unknown): ModuleSuite {
  const { plain, schedules, base } = withoutFunctions(stated);
  return {
    plain,
    whole(suite) {
      const candidates = Object.values(suite.candidates).map((one) => {
        const { id, trunk, replica } = one;
        const own = schedules.get(trunk?.of ?? replica?.of ?? id);
        if (!own || !("settings" in one)) return [id, one];
        const settings = { ...one.settings, schedule: scheduleOf(own) };
        return [id, { ...one, settings }];
      });
      const pretrain = suite.base?.pretrain;
      return {
        ...suite,
        candidates: Object.fromEntries(candidates) as Suite["candidates"],
        base:
          base && pretrain
            ? {
                ...suite.base,
                pretrain: { ...pretrain, schedule: scheduleOf(base) },
              }
            : suite.base,
      };
    },
  };
}

async function exported(file: string, version: string): Promise<unknown> {
  const url = `${pathToFileURL(resolve(file)).href}?${version}`;
  let found: { suite?: unknown };
  try {
    found = await import(url);
  } catch (error) {
    // A module may throw anything, null too.
    const { code } = (error ?? {}) as { readonly code?: string };
    if (code === "ERR_UNKNOWN_FILE_EXTENSION")
      throw new UsageError(
        "SUITE_TYPESCRIPT",
        `${file} is TypeScript, which this Node (${process.version}) does not read`,
        "Use Node 22.18 or newer, or write the suite as an .mjs file.",
        { cause: error },
      );
    throw new UsageError(
      "SUITE_MODULE",
      `${file} cannot be loaded: ${messageOf(error)}`,
      "Correct the module; node can tell more of it.",
      { cause: error },
    );
  }
  if (found.suite !== undefined) return found.suite;
  throw new UsageError(
    "SUITE_MODULE",
    `${file} exports no suite`,
    "Write: export const suite = defineSuite({ ... });",
  );
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The suite with schedules that are functions left out, and these by candidate. */
function withoutFunctions(suite: unknown) {
  const schedules = new Map<string, ScheduleFunction>();
  let base: ScheduleFunction | undefined;
  const taken = (spec: unknown, keep: (f: ScheduleFunction) => void) => {
    if (!isFields(spec) || typeof spec.schedule !== "function") return spec;
    const { schedule, ...rest } = spec;
    keep(schedule as ScheduleFunction);
    return rest;
  };
  if (!isFields(suite)) return { plain: suite, schedules, base };
  const plain: Fields = { ...suite };
  if (isFields(suite.candidates))
    plain.candidates = Object.fromEntries(
      Object.entries(suite.candidates).map(([id, spec]) => [
        id,
        taken(spec, (f) => schedules.set(id, f)),
      ]),
    );
  if (isFields(suite.base) && isFields(suite.base.pretrain))
    plain.base = {
      ...suite.base,
      pretrain: taken(suite.base.pretrain, (f) => {
        base = f;
      }),
    };
  return { plain, schedules, base };
}
