import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { checkReferences, loadSuite, planCells, runAudit } from "#audit";
import { renderHtml, renderMarkdown } from "#reports";
import type { Results } from "#results";
import { put, temporaryFolder } from "../../folder.ts";
import { linearWords, wordPairs } from "../../text/made.ts";

const folder = temporaryFolder();

const GOOD = ["good", "lovely", "brilliant", "charming"];
const BAD = ["boring", "terrible", "dreadful", "tedious"];
const NOUNS = ["film", "movie", "story", "picture"];

/**
 * Texts of four words that one of them decides: "yes" where a good word is known,
 * "no" where none is.
 */
function suite(rest: object = {}): string {
  const lines = [GOOD, BAD].flatMap((words, k) =>
    words.flatMap((word) =>
      NOUNS.flatMap((noun) =>
        ["a", "the"].map(
          (the) => `${the} ${word} ${noun} \t${k ? "no" : "yes"}`,
        ),
      ),
    ),
  );
  put(folder, "reviews.tsv", `text\tlabel\n${lines.join("\n")}\n`);
  const weights = (words: readonly string[], weight: number) =>
    Object.fromEntries(words.map((word) => [word, weight]));
  const { model, tokenizer } = linearWords(
    folder,
    {
      ...weights(["a", "the", ...NOUNS], 0),
      ...weights(GOOD, 2),
      ...weights(BAD, -1),
    },
    8,
  );
  const language = wordPairs(
    folder,
    ["a", "the", ...NOUNS, ...GOOD, ...BAD],
    Object.fromEntries(
      [...GOOD, ...BAD].flatMap((word) => [
        [`a ${word}`, 4],
        [`the ${word}`, 4],
        ...NOUNS.map((noun) => [`${word} ${noun}`, 5]),
      ]),
    ),
  );
  return put(
    folder,
    "suite.yaml",
    JSON.stringify({
      version: 1,
      title: "reviews",
      data: { source: "text", path: "reviews.tsv", tokenizer, length: 8 },
      candidates: { given: { model } },
      defenses: {
        folded: ["unicode"],
        spelled: ["unicode", "spelling"],
        fluent: [{ id: "onion", ...language }],
      },
      threatModels: { one: { norm: "edits", eps: 1 } },
      attacks: {
        lookalikes: { id: "bad-characters", population: 8, generations: 3 },
        bugs: "textbugger",
        search: { id: "charmer", positions: 6, alphabet: "e0 " },
        random: { id: "random-edits", draws: 2 },
      },
      sweep: { norm: "edits", eps: [1, 2, 3, 4], attack: "bugs" },
      gate: [
        { robustAccuracy: { min: 0.9, threatModel: "one", defense: "none" } },
      ],
      ...rest,
    }),
  );
}

describe("cells of texts", () => {
  let results: Results;
  const out = join(folder, "out");
  const robust = (id: string) =>
    results.cells.find((c) => c.id === `given/${id}@one`)?.robustAccuracy.value;

  beforeAll(async () => {
    results = await runAudit({ suite: suite(), out });
  });

  it("are planned as any other: replayed and adaptive behind a defence", async () => {
    const loaded = await loadSuite(join(folder, "suite.yaml"));
    checkReferences(loaded.suite, loaded.file);
    const ids = planCells(loaded.suite).map(({ id }) => id);
    const named = ids.filter((id) => id.endsWith("@one"));
    expect(named.slice(0, 8)).toEqual([
      "given/none/lookalikes@one",
      "given/none/bugs@one",
      "given/none/search@one",
      "given/none/random@one",
      "given/folded/lookalikes+as-is@one",
      "given/folded/lookalikes@one",
      "given/folded/bugs+as-is@one",
      "given/folded/bugs@one",
    ]);
    expect(results.cells.map(({ id }) => id)).toEqual(ids);
    expect(ids.filter((id) => id.includes("@edits-"))).toEqual(
      [2, 3, 4].map((eps) => `given/none/bugs@edits-${eps}`),
    );
  });

  it("have the numbers that the linear model must have", () => {
    // Every text is right clean; without its one good word a text is "no".
    expect(results.candidates[0]?.cleanAccuracy.value).toBe(1);
    expect(robust("none/lookalikes")).toBe(0.5);
    expect(robust("none/bugs")).toBe(0.5);
    // Folding undoes every lookalike, also of an attack that knows it.
    expect(robust("folded/lookalikes+as-is")).toBe(1);
    expect(robust("folded/lookalikes")).toBe(1);
    expect(robust("folded/bugs")).toBe(0.5);
    // Spelling repairs bugs, but not for one who looks for those that survive it.
    expect(robust("spelled/bugs+as-is")).toBeGreaterThan(0.5);
    expect(robust("spelled/search")).toBe(0.5);
    const worst = results.worstCases.find((w) => w.defense === "spelled");
    expect(worst).toMatchObject({ evaluated: true, trusted: true });
    expect(worst?.robustAccuracy).toMatchObject({ value: 0.5, n: 16 });
  });

  it("say what a defence costs, and what was asked", () => {
    const clean = (defense: string) =>
      results.cells.find((c) => c.defense === defense)?.cleanAccuracy.value;
    expect([clean("folded"), clean("spelled")]).toEqual([1, 1]);
    for (const cell of results.cells)
      expect(cell.queries.forward).toBeGreaterThan(0);
    expect(results.gate.verdict).toBe("failed");
  });

  it("are judged by trust checks of budget and noise", () => {
    const checks = results.cells
      .find((c) => c.id === "given/none/bugs@one")
      ?.checks.map(({ id, status, message }) => [id, status, message]);
    expect(checks).toContainEqual([
      "budget-kept",
      "passed",
      "No text has more than 1 edits, of 1 allowed.",
    ]);
    expect(checks?.map(([id]) => id)).toContain("beats-noise");
    expect(checks?.map(([, status]) => status)).not.toContain("failed");
  });

  it("are shown side by side, without a word of images", async () => {
    const [example] = results.textGallery ?? [];
    const original = example?.segments.map((s) => s.before).join("");
    expect(original).toMatch(/^(a|the) \w+ \w+ $/);
    expect(example).toMatchObject({ edits: 1, label: "yes", prediction: "no" });
    const html = await renderHtml(results);
    expect(html).toMatch(/<mark title="U\+[0-9A-F]{4}">/);
    const words = ["L∞", "pixels", "Patches"].filter((w) => html.includes(w));
    expect(words).toEqual([]);
    expect(html).toContain("up to 1 edit");
    expect(html).toContain('dy="-4">edits</text>');
    expect(renderMarkdown(results)).toMatch(/\| given \| spelled \| 100/);
  });

  it("are kept, and taken up again cell by cell", async () => {
    const cells: string[] = [];
    const again = await runAudit({
      suite: join(folder, "suite.yaml"),
      out,
      only: ["given/folded/*"],
      onEvent: (event) => {
        if (event.kind === "work" && event.of === "cell")
          cells.push(event.state);
      },
    });
    expect(cells).toEqual(Array(7).fill("kept"));
    expect(again.cells).toHaveLength(7);
  });

  it("depend on the files that a defence names", async () => {
    const kept = new Map<string, boolean>();
    wordPairs(folder, ["a", "the"], { "a the": 9 });
    await runAudit({
      suite: join(folder, "suite.yaml"),
      out,
      only: ["given/f*/bugs@*"],
      onEvent: (event) => {
        if (event.kind === "work" && event.of === "cell")
          kept.set(event.work, event.state === "kept");
      },
    });
    expect(Object.fromEntries(kept)).toEqual({
      "cell given/folded/bugs@one": true,
      "cell given/fluent/bugs@one": false,
    });
  });
});

it("repairs that the data states stand in front of every defence", async () => {
  const file = suite({
    data: {
      source: "text",
      path: "reviews.tsv",
      tokenizer: "words.txt",
      length: 8,
      sanitize: ["unicode"],
    },
    defenses: {},
    gate: [],
  });
  const { cells } = await runAudit({
    suite: file,
    out: join(folder, "repaired"),
  });
  expect(cells[0]?.robustAccuracy.value).toBe(1);
});

it.each([
  [
    { attacks: { fgsm: "fgsm" }, sweep: undefined },
    /attacks\.fgsm works on numbers/,
  ],
  [{ defenses: { few: ["bit-depth"] } }, /defenses\.few works on numbers/],
  [
    { threatModels: { small: { norm: "linf", eps: 0.1 } } },
    /threatModels\.small works on numbers/,
  ],
  [
    {
      data: { source: "digits" },
      candidates: { one: { model: "words.onnx" } },
    },
    /attacks\.lookalikes works on texts/,
  ],
])("numbers and texts do not mix: %j", async (rest, message) => {
  const out = join(folder, "mixed");
  await expect(runAudit({ suite: suite(rest), out })).rejects.toThrow(message);
});
