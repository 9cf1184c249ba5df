import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { fileName } from "../../reports/file-name.ts";
import { modelCard } from "../../reports/reporters/model-card.ts";
import { names, resultsNamed } from "./names.ts";
import { filesOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

/** A card as Hugging Face reads it: YAML between two lines of dashes, then Markdown. */
function read(card: string) {
  const [, front, body] = /^---\n(.*?)\n---\n(.*)$/s.exec(card)!;
  return { metadata: parse(front!), body: body! };
}
const cards = await filesOf(modelCard, exampleResults());

test("a card for each candidate, with model-index, intervals and trust", () => {
  expect([...cards.keys()]).toEqual([
    "head-only.md",
    "full.md",
    "adversarial.md",
  ]);
  const { metadata, body } = read(cards.get("full.md") as string);
  const [{ name, results }] = metadata["model-index"];
  expect(name).toBe("full");
  expect(results[0]).toMatchObject({
    task: { type: "image-classification" },
    dataset: { type: "digits", split: "test" },
    metrics: [{ type: "accuracy", value: 0.6 }],
  });
  expect(results[1].metrics[0]).toMatchObject({
    name: "Robust accuracy, defence none, threat model linf-0.1 (not trusted)",
    value: 0.2,
    args: { interval: 0.95, samples: 50, trusted: false },
  });
  const { low, high } = results[1].metrics[0].args;
  expect(low).toBeLessThan(0.2);
  expect(high).toBeGreaterThan(0.2);
  expect(body).toMatch(/20\.0 % \\\[[\d., ]+\\\] of 50 \*\*not trusted\*\*/);
  expect(body).toContain("**failed**");
  expect(body).toContain("**without 2 attacks**");
  expect(body).toContain("## What was not tested");
  expect(body).toMatch(/Missing: 2 cells/);
});

test("names from outside break neither metadata, nor tables, nor folders", async () => {
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const files = await filesOf(modelCard, resultsNamed(name));
      const file = `${fileName(name)}.md`;
      expect(file).toMatch(/^[a-z0-9][a-z0-9._-]*$/);
      const { metadata, body } = read(files.get(file) as string);
      expect(metadata["model-index"][0].name).toBe(
        name.replace(/\p{Cs}/gu, "\ufffd"),
      );
      expect(body).not.toMatch(/<(?!!-- )/);
      const rows = body.split("\n").filter((line) => line.startsWith("|"));
      for (const row of rows)
        expect([5, 6]).toContain(row.replace(/\\./gs, "").split("|").length);
    }),
    { numRuns: 30 },
  );
});

test("files of different names are different, also where case does not count", () => {
  fc.assert(
    fc.property(names, names, (one, other) => {
      fc.pre(one !== other);
      expect(fileName(one).toLowerCase()).not.toBe(
        fileName(other).toLowerCase(),
      );
    }),
  );
  expect(fileName("A")).not.toBe(fileName("a"));
  expect(fileName("con")).not.toBe("con");
});
