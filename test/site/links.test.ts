import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { packagePath } from "#core";
import { generatedPages } from "../../site/index.ts";

const { pages } = generatedPages();

const written = [
  "README.md",
  ...readdirSync(packagePath("docs"))
    .filter((name) => name.endsWith(".md") && !pages.has(name.slice(0, -3)))
    .map((name) => `docs/${name}`),
];

const text = (file: string) =>
  pages.get(file.replace(/^docs\//, "").replace(/\.md$/, "")) ??
  readFileSync(packagePath(file), "utf8");

/** Text without its code, in which brackets are no links. */
const prose = (file: string) =>
  text(file)
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, "");

/** Where links of a document lead, but those to other hosts. */
const linksIn = (file: string) =>
  Array.from(
    prose(file).matchAll(/\]\(([^)\s]+)\)/g),
    ([, to = ""]) => to,
  ).filter((to) => !/^[a-z]+:/.test(to));

/** The anchors of headings, as code hosts and VitePress make them of plain words. */
const anchorsOf = (file: string) =>
  Array.from(text(file).matchAll(/^#+ (.*)$/gm), ([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );

/** What is wrong with a link of a document; nothing when it leads somewhere. */
function fault(file: string, link: string, exists: (to: string) => boolean) {
  const [path = "", anchor] = link.split("#");
  const to = path === "" ? file : posix.join(posix.dirname(file), path);
  if (!exists(to)) return `${file}: ${link} leads nowhere`;
  return anchor === undefined || anchorsOf(to).includes(anchor)
    ? undefined
    : `${file}: ${link} has no such heading`;
}

describe("links", () => {
  // A code host has only what is committed, so documents that people wrote never lead
  // to generated pages.
  test.each(written)("%s leads to files of the repository", (file) => {
    const faults = linksIn(file).flatMap(
      (link) =>
        fault(
          file,
          link,
          (to) => existsSync(packagePath(to)) && !pages.has(to),
        ) ?? [],
    );
    expect(faults).toEqual([]);
  });

  test("generated pages lead to pages", () => {
    const isPage = (to: string) =>
      written.includes(to) ||
      pages.has(to.slice("docs/".length, -".md".length));
    const faults = [...pages.keys()].flatMap((name) => {
      const file = `docs/${name}.md`;
      return linksIn(file).flatMap((link) => fault(file, link, isPage) ?? []);
    });
    expect(faults).toEqual([]);
  });

  test("README names every document that people read first", () => {
    expect(linksIn("README.md")).toContain("docs/index.md");
    const listed = linksIn("docs/index.md").map((to) => `docs/${to}`);
    const missing = written.filter(
      (file) =>
        !["README.md", "docs/index.md"].includes(file) &&
        !listed.includes(file),
    );
    expect(missing).toEqual([]);
  });
});
