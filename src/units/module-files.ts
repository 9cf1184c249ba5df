import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { hashOf, readFile, sha256, UsageError } from "#core";

/** A module that a suite names, as it lies on the disk. */
export interface ModuleFile {
  /** As it is named. */
  readonly name: string;
  /** The file that is imported. */
  readonly entry: string;
  /** Of a package. */
  readonly version: string | null;
  /** Of all files that it consists of, wherever they lie. */
  readonly hash: string;
}

const isPath = (name: string) => /^(\.{0,2}[\\/]|[A-Za-z]:)/.test(name);

/**
 * Finds a module: a path is relative to the folder, a package is looked for from there
 * as Node does it.
 *
 * @throws UNITS_MISSING
 */
export function findModule(name: string, folder: string): ModuleFile {
  if (isPath(name)) {
    const entry = resolve(folder, name);
    if (!existsSync(entry) || statSync(entry).isDirectory())
      throw missing(name, `is no file (${entry})`);
    return { name, entry, version: null, hash: hashOfFiles(entry, null) };
  }
  const { entry, version } = findPackage(name, resolve(folder));
  return { name, entry, version, hash: hashOfFiles(entry, version) };
}

const missing = (name: string, why: string) =>
  new UsageError(
    "UNITS_MISSING",
    `use: ${name} ${why}`,
    "A path begins with ./ and is relative to the suite; a package has to be installed where the suite is.",
  );

interface Package {
  readonly version?: unknown;
  readonly exports?: unknown;
}

function findPackage(name: string, folder: string) {
  const require = createRequire(join(folder, "suite.js"));
  const [, own = name, below = ""] =
    /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(name) ?? [];
  const home = (require.resolve.paths(own) ?? [])
    .map((path) => join(path, own))
    .find((path) => existsSync(join(path, "package.json")));
  if (!home) throw missing(name, `is not installed (looked from ${folder})`);
  const file = join(home, "package.json");
  let about: Package;
  try {
    about = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw missing(name, `has a package.json that cannot be read: ${error}`);
  }
  const target = exported(about.exports, `.${below}`);
  let entry: string;
  try {
    entry = target ? join(home, target) : require.resolve(name);
  } catch {
    throw missing(name, `exports no "${`.${below}`}" (${file})`);
  }
  if (!existsSync(entry)) throw missing(name, `has no file ${entry}`);
  return { entry, version: String(about.version ?? "") };
}

/**
 * What a package exports to those who import it, as a path in it; undefined where that
 * is not said in so many words.
 */
function exported(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === "string") return subpath === "." ? exports : undefined;
  if (typeof exports !== "object" || exports === null) return undefined;
  const all = exports as Readonly<Record<string, unknown>>;
  const keys = Object.keys(all);
  if (keys.some((key) => key.startsWith("."))) {
    const found = all[subpath];
    return found === undefined ? undefined : exported(found, ".");
  }
  const key = keys.find((one) =>
    ["node", "import", "module-sync", "default"].includes(one),
  );
  return key === undefined ? undefined : exported(all[key], ".");
}

/**
 * The hash of a file and of all that it imports by relative paths, with these. Packages
 * are not in it, nor what is read while it runs.
 */
function hashOfFiles(entry: string, version: string | null): string {
  const found = new Map<string, string>();
  const base = dirname(realpathSync(entry));
  const visit = (file: string) => {
    const name = relative(base, file);
    if (found.has(name)) return;
    const bytes = readFile(file);
    found.set(name, sha256(bytes));
    for (const to of importsOf(new TextDecoder().decode(bytes), file))
      visit(to);
  };
  visit(realpathSync(entry));
  return hashOf([version, [...found].sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function importsOf(text: string, file: string): string[] {
  const require = createRequire(file);
  const named = text.matchAll(
    /\b(?:from|import|require)\b[\s(]*["'](\.{1,2}\/[^"']+)["']/g,
  );
  return Array.from(named, ([, path]) => path!).flatMap((path) => {
    const beside = resolve(dirname(file), path);
    if (existsSync(beside) && statSync(beside).isFile())
      return realpathSync(beside);
    try {
      return realpathSync(require.resolve(path));
    } catch {
      // What looks like an import in a text or a comment is none.
      return [];
    }
  });
}
