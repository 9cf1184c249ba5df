import { pathToFileURL } from "node:url";
import type { z } from "zod";
import { messageOf, UsageError } from "#core";
import { sourceId } from "#data";
import { guarded } from "./guard.ts";
import { type Kind, kinds, type UnitOf } from "./kinds.ts";
import { kindOf } from "./mark.ts";
import { findModule, type ModuleFile } from "./module-files.ts";
import type { Units } from "./units.ts";

/** A unit as a module brings it. */
export interface Brought<K extends Kind = Kind> {
  readonly kind: K;
  readonly id: string;
  readonly unit: UnitOf<K>;
}

/** A module that was loaded, with its units in the order in which it lists them. */
export interface UnitModule extends Omit<ModuleFile, "entry"> {
  readonly units: readonly Brought[];
}

/**
 * Imports the modules that a suite names. Their code runs, with all that it may do.
 *
 * @param folder where paths are relative to and packages are looked for
 * @throws UNITS_MISSING, UNITS_TYPESCRIPT, UNITS_MODULE, UNITS_SHAPE
 */
export async function loadModules(
  names: readonly string[],
  folder: string,
): Promise<UnitModule[]> {
  const modules: UnitModule[] = [];
  for (const name of names) modules.push(await loadModule(name, folder));
  return modules;
}

async function loadModule(name: string, folder: string): Promise<UnitModule> {
  const { entry, version, hash } = findModule(name, folder);
  refuseStale(name, entry, hash);
  const listed = await exported(name, pathToFileURL(entry).href);
  const module = { name, hash };
  const units = listed.map((unit, i) => brought(unit, i, module));
  return { name, version, hash, units };
}

/** Hashes of the files that this process has loaded modules from. */
const loaded = new Map<string, string>();

/**
 * Refuses a module that has changed since this process loaded it: the files that it
 * imports are in memory as they were.
 */
function refuseStale(name: string, entry: string, hash: string): void {
  const before = loaded.get(entry);
  loaded.set(entry, before ?? hash);
  if (before !== undefined && before !== hash)
    throw new UsageError(
      "UNITS_MODULE",
      `use: ${name} has changed since this process loaded it`,
      "Start the process again.",
    );
}

async function exported(name: string, url: string): Promise<unknown[]> {
  let found: { readonly units?: unknown; readonly default?: unknown };
  try {
    found = await import(url);
  } catch (error) {
    // A module may throw anything, null too.
    const { code } = (error ?? {}) as { readonly code?: string };
    if (code === "ERR_UNKNOWN_FILE_EXTENSION" && /\.[cm]?ts$/.test(url))
      throw new UsageError(
        "UNITS_TYPESCRIPT",
        `use: ${name} is TypeScript, which this Node (${process.version}) does not read`,
        "Use Node 22.18 or newer, or name the .mjs file that it compiles to.",
        { cause: error },
      );
    throw new UsageError(
      "UNITS_MODULE",
      `use: ${name} cannot be loaded: ${messageOf(error)}`,
      "Correct the module; node can tell more of it.",
      { cause: error },
    );
  }
  if (Array.isArray(found.units) && found.units.length > 0) return found.units;
  throw new UsageError(
    "UNITS_MODULE",
    `use: ${name} exports no units`,
    "Write: export const units = [defineAttack({ ... })];",
  );
}

/** A unit of a module, which is what its kind has to be. */
function brought(
  unit: unknown,
  index: number,
  module: Pick<ModuleFile, "name" | "hash">,
): Brought {
  const kind = kindOf(unit);
  const refuse = (what: string) =>
    new UsageError(
      "UNITS_SHAPE",
      `use: ${module.name}: ${what}`,
      "Correct the module, or ask who wrote it. docs/extending.md says what each kind of unit has.",
    );
  if (!kind)
    throw refuse(
      `units[${index}] is none of defineAttack, defineSanitizer and the others of assay/units`,
    );
  const known = kinds[kind].shape.safeParse(unit);
  const id = idOf(kind, unit as UnitOf<Kind>) ?? `units[${index}]`;
  if (!known.success) throw refuse(`${kind} "${id}": ${firstOf(known.error)}`);
  return { kind, id, unit: guarded(kind, id, unit as UnitOf<Kind>, module) };
}

/** What is wrong first, with the path of where. */
function firstOf({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.map(String).join(".");
  return `${path ? `${path}: ` : ""}${issue?.message ?? ""}`;
}

/** What a suite calls a unit; undefined where it does not say. */
function idOf(kind: Kind, unit: UnitOf<Kind>): string | undefined {
  try {
    const id =
      kind === "data source"
        ? sourceId(unit as UnitOf<"data source">)
        : (unit as UnitOf<"attack">).id;
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Units, and those of modules beside them.
 *
 * @throws UNITS_CLASH where an id would mean two units
 */
export function withModules(own: Units, modules: readonly UnitModule[]): Units {
  const all = Object.fromEntries(
    Object.entries(own).map(([list, units]) => [list, [...units]]),
  ) as { [L in keyof Units]: Units[L][number][] };
  const taken = new Map<string, string>();
  const place = (kind: Kind, id: string) => `${kinds[kind].names}/${id}`;
  for (const kind of Object.keys(kinds) as Kind[])
    for (const unit of own[kinds[kind].list])
      taken.set(place(kind, idOf(kind, unit) ?? ""), "Assay");
  for (const { name, units } of modules)
    for (const { kind, id, unit } of units) {
      const other = taken.get(place(kind, id));
      if (other !== undefined)
        throw new UsageError(
          "UNITS_CLASH",
          `use: ${name}: ${kind} "${id}": ${other === name ? "is there twice" : `${other} has one of that id`}`,
          "Give it another id, or leave one of the modules out.",
        );
      taken.set(place(kind, id), name);
      (all[kinds[kind].list] as unknown[]).push(unit);
    }
  return all;
}
