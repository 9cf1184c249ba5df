import fc from "fast-check";
import { expect, test } from "vitest";
import { type NamedFile, reporters } from "#reports";
import { html } from "../../reports/reporters/html.ts";
import { json } from "../../reports/reporters/json.ts";
import { markdown } from "../../reports/reporters/markdown.ts";
import { names, resultsNamed } from "./names.ts";
import { kept } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const results = exampleResults();

test("reporters have names and files of their own", () => {
  for (const key of ["id", "file", "title"] as const)
    expect(new Set(reporters.map((one) => one[key])).size).toBe(
      reporters.length,
    );
});

test.each(reporters)(
  "$id says the verdict, what is not trusted, and what is missing",
  async (reporter) => {
    const content = await reporter.render(results, kept);
    const parts: unknown[] = [];
    if (typeof content === "string" || content instanceof Uint8Array)
      parts.push(content);
    else
      for await (const file of content as AsyncIterable<NamedFile>)
        parts.push(file.name, file.content);
    const text = parts.map((part) => Buffer.from(part as string)).join("\n");
    expect(text).toMatch(/failed/i);
    expect(text).toMatch(/trusted/);
    expect(text).toMatch(/missing|without 2 attacks/i);
  },
);

test("names from outside are no elements of the report, and stay in the document", async () => {
  const tags = async (name: string) => {
    const text = (await html.render(resultsNamed(name), kept)) as string;
    return [...text.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].length;
  };
  const usual = await tags("usual");
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      expect(await tags(name)).toBe(usual);
      const document = JSON.parse(
        json.render(resultsNamed(name), kept) as string,
      );
      const ids = document.candidates.map(({ id }: { id: string }) => id);
      expect(ids).toContain(name);
    }),
    { numRuns: 12 },
  );
});

test("names from outside break no table of the summary", () => {
  const widths = (name: string) =>
    (markdown.render(resultsNamed(name), kept) as string)
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((row) => row.replace(/\\./gs, "").split("|").length);
  const usual = widths("usual");
  fc.assert(
    fc.property(names, (name) => {
      expect(widths(name)).toEqual(usual);
    }),
    { numRuns: 30 },
  );
});
