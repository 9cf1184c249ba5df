import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "#core";
import type { Template } from "./choices.ts";
import { SCHEMA } from "./suite-text.ts";

/** The suite that ships with Assay for each kind of data, and the folder it needs. */
const starters: Readonly<
  Record<Template, { readonly suite: string; readonly files?: string }>
> = {
  image: { suite: "quick.yaml" },
  tabular: { suite: "tabular.yaml" },
  text: { suite: "texts.yaml", files: "texts" },
};

/**
 * A suite that runs without a model or data of one's own, with the files that it names.
 *
 * @param time what its works take, in words
 */
export function starterText(template: Template, time: string): string {
  const { suite } = starters[template];
  const [, ...lines] = readFileSync(packagePath("suites", suite), "utf8").split(
    "\n",
  );
  return [
    SCHEMA,
    "# Written by assay init, which found no model: a suite that ships with Assay, to start",
    "# from. Put your own data, base and candidates in the place of these.",
    `# ${time}`,
    ...lines,
  ].join("\n");
}

/** The files that a starter needs beside it, by their paths from its folder. */
export function starterFiles(template: Template): [string, Uint8Array][] {
  const { files } = starters[template];
  if (files === undefined) return [];
  return readdirSync(packagePath("suites", files)).map((name) => [
    join(files, name),
    readFileSync(packagePath("suites", files, name)),
  ]);
}
