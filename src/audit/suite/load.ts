import { dirname } from "node:path";
import { z } from "zod";
import { readFile, sha256, UsageError } from "#core";
import type { ScheduleFunction } from "#tuning";
import {
  loadModules,
  ownUnits,
  type UnitModule,
  type Units,
  withModules,
} from "#units";
import { checkValue, parseDocument } from "./document/index.ts";
import { importSuite, isModule, statedSuite } from "./module.ts";
import { type Suite, suiteSchema, suiteSchemaOf } from "./schema.ts";

/** A suite as it was read. */
export interface LoadedSuite {
  readonly suite: Suite;
  readonly file: string;
  /** Paths in the suite are relative to this. */
  readonly folder: string;
  readonly hash: string;
  /** What it can name: our own units, and those of the modules that it uses. */
  readonly units: Units;
  readonly modules: readonly UnitModule[];
}

/** What a person writes in YAML. */
export type SuiteText = z.input<typeof suiteSchema>;

/** What has a schedule, which may be a function. */
export type Timed<T> = Omit<T, "schedule"> & {
  readonly schedule?:
    | string
    | { readonly id: string; readonly [parameter: string]: unknown }
    | ScheduleFunction;
};

/** What a person writes in a module, where a schedule may be a function. */
export type SuiteInput = Omit<SuiteText, "candidates" | "base"> & {
  readonly candidates: Readonly<
    Record<string, Timed<SuiteText["candidates"][string]>>
  >;
  readonly base?: Omit<NonNullable<SuiteText["base"]>, "pretrain"> & {
    readonly pretrain?: Timed<
      NonNullable<NonNullable<SuiteText["base"]>["pretrain"]>
    >;
  };
};

/** The modules of a suite, whatever else is in it. */
const usesSchema = z.object({ use: suiteSchema.shape.use });

/** What stands for the file of a suite that is given as an object. */
const OBJECT = "suite-object";

/**
 * Reads and checks a suite: YAML, a module that exports one, or the object itself, in
 * which paths start at the working directory. Throws SUITE_INVALID with file, line and
 * key.
 *
 * @param use false refuses a suite that runs code: a module, or one that uses some
 * @throws SUITE_CODE; UNITS_* for modules that it uses
 */
export async function loadSuite(
  source: string | SuiteInput,
  { use = true }: { readonly use?: boolean } = {},
): Promise<LoadedSuite> {
  const isFile = typeof source === "string";
  const file = isFile ? source : OBJECT;
  const bytes = isFile ? readFile(file) : textOf(source);
  const hash = sha256(bytes);
  const folder = isFile ? dirname(file) : ".";
  if (!use && isModule(file)) throw runsCode(file, "is a module");
  const module = !isFile
    ? statedSuite(source)
    : isModule(file)
      ? await importSuite(file, hash)
      : undefined;
  const text = module ? "" : new TextDecoder().decode(bytes as Uint8Array);
  const read = <T>(schema: z.ZodType<T>): T =>
    module
      ? checkValue(module.plain, file, schema)
      : parseDocument(text, file, schema);
  const names = read(usesSchema).use;
  if (!use && names.length > 0)
    throw runsCode(file, `uses ${names.join(", ")}`);
  const modules = await loadModules(names, folder);
  const units = withModules(ownUnits, modules);
  const suite: Suite = read(
    names.length > 0 ? suiteSchemaOf(units) : suiteSchema,
  );
  return {
    suite: module ? module.whole(suite) : suite,
    ...{ file, folder, hash, units, modules },
  };
}

/** All that an object states, as text that is hashed. */
const textOf = (suite: SuiteInput): string =>
  JSON.stringify(suite, (_key, value: unknown) =>
    value instanceof Map
      ? [...value]
      : typeof value === "function"
        ? value.toString()
        : value,
  );

const runsCode = (file: string, why: string) =>
  new UsageError(
    "SUITE_CODE",
    `${file} ${why}, whose code would run`,
    "Leave out --no-use (from code, `use: false`) if you trust it.",
  );
