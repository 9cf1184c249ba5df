import { dirname } from "node:path";
import { z } from "zod";
import { hashOf, readFile, sha256, UsageError } from "#core";
import type { ScheduleFunction } from "#tuning";
import {
  loadModules,
  ownUnits,
  type UnitModule,
  type Units,
  withModules,
} from "#units";
import {
  checkLayers,
  checkValue,
  type Setting,
  settingOf,
  together,
} from "./document/index.ts";
import { readLayers } from "./extend.ts";
import { importSuite, isModule, statedSuite } from "./module.ts";
import { type Suite, suiteSchema, suiteSchemaOf } from "./schema.ts";
import { type Smoke, smokeOf } from "./smoke.ts";

/** A suite as it was read. */
export interface LoadedSuite {
  readonly suite: Suite;
  readonly file: string;
  /** Paths in the suite are relative to this. */
  readonly folder: string;
  /** Of all that says what the suite is: files, settings, variables. */
  readonly hash: string;
  /** What it extends, that which counts least first. */
  readonly extended: readonly {
    readonly file: string;
    readonly hash: string;
  }[];
  /**
   * What all of that says together, as it was written: maps by name, variables of the
   * environment by theirs, defaults left out.
   */
  readonly written: unknown;
  /** What `--set` said. */
  readonly settings: readonly string[];
  /** Variables of the environment that have a part in it. */
  readonly variables: readonly string[];
  /** What it can name: our own units, and those of the modules that it uses. */
  readonly units: Units;
  readonly modules: readonly UnitModule[];
  /** How it was cut down, so that it has no verdict; absent where it was not. */
  readonly smoke?: Smoke;
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
export type SuiteInput = Omit<SuiteText, "candidates" | "base" | "extends"> & {
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

/** What reads the documents of a suite by a schema. */
interface Source extends Pick<LoadedSuite, "hash" | "extended" | "variables"> {
  read<T>(schema: z.ZodType<T>, settings: readonly Setting[]): T;
  /** The checked suite with what no schema holds: schedules that are functions. */
  whole(suite: Suite): Suite;
  written(schema: z.ZodType, settings: readonly Setting[]): unknown;
}

/**
 * Reads and checks a suite: YAML with what it extends, a module that exports one, or
 * the object itself, in which paths start at the working directory. Throws
 * SUITE_INVALID with file, line and key.
 *
 * @param options `use` false refuses a suite that runs code: a module, or one that uses
 *   some; `set` is put over it, such as "candidates.full.epochs=3";
 *   `smoke` cuts it down
 * @throws SUITE_CODE; SETTING; UNITS_* for modules that it uses
 */
export async function loadSuite(
  source: string | SuiteInput,
  { use = true, set = [], smoke }: SuiteOptions = {},
): Promise<LoadedSuite> {
  const isFile = typeof source === "string";
  const file = isFile ? source : OBJECT;
  const folder = isFile ? dirname(file) : ".";
  if (!use && isModule(file)) throw runsCode(file, "is a module");
  const settings = set.map(settingOf);
  const { read, whole, written, hash, ...from } =
    isFile && !isModule(file)
      ? documentsOf(file)
      : await moduleOf(source, file, set);
  const names = read(
    usesSchema,
    settings.filter(({ path }) => path[0] === "use"),
  ).use;
  if (!use && names.length > 0)
    throw runsCode(file, `uses ${names.join(", ")}`);
  const modules = await loadModules(names, folder);
  const units = withModules(ownUnits, modules);
  const schema = names.length > 0 ? suiteSchemaOf(units) : suiteSchema;
  const suite: Suite = whole(read(schema, settings));
  return {
    suite: smoke ? smokeOf(suite, smoke) : suite,
    written: written(schema, settings),
    hash: set.length > 0 ? hashOf({ hash, set }) : hash,
    ...{ file, folder, ...from, settings: set, units, modules, smoke },
  };
}

/** How a suite is read. */
export interface SuiteOptions {
  readonly use?: boolean;
  readonly set?: readonly string[];
  readonly smoke?: Smoke;
}

/** A suite of YAML, and what it extends. */
function documentsOf(file: string): Source {
  const { layers, extended, bytes, variables } = readLayers(file);
  const own = sha256(bytes);
  const isAlone = extended.length === 0 && variables.size === 0;
  return {
    read: (schema, settings) => checkLayers(layers, schema, settings),
    whole: (suite) => suite,
    written: (schema, settings) => together(layers, settings, schema),
    // Of a file that says all by itself it is that of the file.
    hash: isAlone
      ? own
      : hashOf({
          own,
          extended: extended.map((one) => one.hash),
          variables: [...variables],
        }),
    extended,
    variables: [...variables.keys()],
  };
}

/** A suite that code states. */
async function moduleOf(
  source: string | SuiteInput,
  file: string,
  set: readonly string[],
): Promise<Source> {
  const isFile = typeof source === "string";
  const hash = sha256(isFile ? readFile(file) : textOf(source));
  if (set.length > 0)
    throw new UsageError(
      "SETTING",
      `--set ${set[0]}: ${file} is a module, which states what it likes`,
      "Have the module read what it should, such as a variable of the environment.",
    );
  const { plain, whole } = isFile
    ? await importSuite(file, hash)
    : statedSuite(source);
  if (typeof plain === "object" && plain !== null && "extends" in plain)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: extends: found this key in a module, expected it in YAML`,
      "Have the module import what it shares with others.",
    );
  return {
    read: (schema) => checkValue(plain, file, schema),
    written: () => plain,
    ...{ whole, hash, extended: [], variables: [] },
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
