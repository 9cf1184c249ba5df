import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { catalog } from "#audit";
import { packagePath, writeFile } from "#core";
import { checkPage, checksPage } from "./checks.ts";
import { docstringsIn } from "./docstrings.ts";
import { errorsPage } from "./errors.ts";
import { kindPage, kinds, unitPage } from "./units.ts";

/** A page by its place under docs, without its ending. */
export type Pages = ReadonlyMap<string, string>;

/** What stands beside the pages: titles and links, by group. */
export interface Group {
  readonly text: string;
  readonly link: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}

/** Every page that is made of metadata and source. */
export function generatedPages(): { pages: Pages; groups: Group[] } {
  const pages = new Map<string, string>();
  const groups: Group[] = [];
  for (const kind of kinds) {
    const entries = catalog[kind.id]?.() ?? [];
    const docs = new Map(kind.folders.flatMap((f) => [...docstringsIn(f)]));
    for (const entry of entries)
      pages.set(
        `units/${kind.id}/${entry.id}`,
        unitPage(kind, entry, docs.get(entry.id)),
      );
    pages.set(`units/${kind.id}/index`, kindPage(kind, entries));
    groups.push(groupOf(kind.title, `/units/${kind.id}/`, entries));
  }
  const checks = catalog.checks?.() ?? [];
  for (const check of checks) pages.set(`checks/${check.id}`, checkPage(check));
  pages.set("checks/index", checksPage(checks));
  groups.push(groupOf("Trust checks", "/checks/", checks));
  pages.set("error-codes", errorsPage());
  return { pages, groups };
}

const groupOf = (
  text: string,
  link: string,
  entries: readonly { readonly id: string; readonly title: string }[],
): Group => ({
  text,
  link,
  items: entries.map(({ id, title }) => ({
    text: title,
    link: `${link}${id}`,
  })),
});

/** Writes the pages into a folder, where they replace those of before. */
export function writePages(folder: string): void {
  const { pages, groups } = generatedPages();
  for (const made of ["units", "checks"])
    rmSync(join(folder, made), { recursive: true, force: true });
  for (const [name, text] of pages) {
    const file = join(folder, `${name}.md`);
    mkdirSync(dirname(file), { recursive: true });
    writeFile(file, text);
  }
  writeFile(
    join(folder, ".vitepress", "groups.json"),
    `${JSON.stringify(groups, null, 2)}\n`,
  );
}

if (process.argv[2] === "write") writePages(packagePath("docs"));
