import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "#core";

/** Where a unit stands in the source, and what its docstring says. */
export interface Docstring {
  /** Relative to the repository, with slashes. */
  readonly file: string;
  readonly text: string;
}

/** A comment, the constant behind it, and the id that stands first in that. */
const declaration =
  /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const \w+(?:(?!\n\/\*\*|\n};|\n}\);)[\s\S])*?\n\s+id: (?:"([^"]+)"|(\w+)),/g;

/** The docstrings of all units in these folders, by folder and id. */
export function docstringsIn(folder: string): ReadonlyMap<string, Docstring> {
  const found = new Map<string, Docstring>();
  const names = readdirSync(packagePath(folder), {
    recursive: true,
    encoding: "utf8",
  });
  for (const name of names.filter((n) => n.endsWith(".ts")).sort()) {
    const source = readFileSync(join(packagePath(folder), name), "utf8");
    const file = join(folder, name).replaceAll("\\", "/");
    for (const [, comment = "", id, constant] of source.matchAll(declaration))
      found.set(id ?? constantOf(source, constant), {
        file,
        text: withoutStars(comment),
      });
  }
  return found;
}

const constantOf = (source: string, constant = "") =>
  new RegExp(`const ${constant} = "([^"]+)"`).exec(source)?.[1] ?? constant;

const withoutStars = (comment: string) =>
  comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
