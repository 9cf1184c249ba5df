import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { onnxruntime } from "#engine";
import { loadModel, logitsOf } from "#model";
import { emptyGraph, floats, GraphBuilder, writeModel } from "#onnx";
import { openTokenizer } from "../../src/data/text/tokenizer.ts";
import { put, temporaryFolder } from "../folder.ts";
import { draw } from "../reference.ts";
import { SPECIAL } from "./made.ts";

const folder = temporaryFolder();
const PLACES = ["rome", "oslo", "lima"];
const OTHERS = ["in", "to", "from", "walk", "go", "##ing", "'", "s"];
put(folder, "vocab.txt", [...SPECIAL, ...OTHERS, ...PLACES].join("\n"));
const LENGTH = 8;

const line = (words: string[], labels: unknown[], more = {}) =>
  JSON.stringify({ words, labels, ...more });

const read = (text: string, more: Record<string, unknown> = {}) => {
  put(folder, "some.jsonl", text);
  const spec = {
    source: "tagged-text",
    path: "some.jsonl",
    tokenizer: "vocab.txt",
    length: LENGTH,
    ...more,
  };
  return loadDataset(dataSpecSchema.parse(spec) as DataSpec, folder);
};

test("the first token of a word has its class, and nothing else counts", async () => {
  const data = await read(
    [
      line(["Walking", "to", "Rome's"], ["O", "O", "LOC"]),
      line(
        ["go", "in", "to", "from", "walking", "Oslo"],
        ["O", -100, "O", "O", "O", "LOC"],
      ),
    ].join("\n"),
  );
  expect(data.classes).toEqual(["LOC", "O"]);
  expect(data.positions).toEqual([LENGTH]);
  const at = (i: number) =>
    Array.from(data.targets?.data ?? []).slice(i * LENGTH, (i + 1) * LENGTH);
  // [CLS] walk ##ing to rome ' s [SEP]
  expect(at(0)).toEqual([-1, 1, -1, 1, 0, -1, -1, -1]);
  expect(Array.from(data.x.data.subarray(0, 8))).toEqual([
    2, 8, 10, 6, 13, 11, 12, 3,
  ]);
  // [CLS] go in to from walk ##ing, and Oslo is cut off
  expect(at(1)).toEqual([-1, 1, -1, 1, 1, 1, -1, -1]);
  expect(data.texts?.strings[0]).toBe("Walking to Rome's");
});

test.each([
  [
    "fewer labels",
    line(["go", "in"], [0]),
    {},
    /line 1 has 2 words and 1 labels/,
  ],
  [
    "a word with a space",
    line(["go in"], [0]),
    {},
    /has "go in" among its words/,
  ],
  [
    "a word that is passed over",
    line(["go", "\u0007"], [0, 1]),
    {},
    /line 1 has a word without tokens of its own/,
  ],
  ["no list", line("go" as never, [0]), {}, /"words" is no list/],
  [
    "another name",
    line(["go"], ["B"]),
    { classes: ["O", "LOC"] },
    /has the label "B", expected one of: O, LOC/,
  ],
])("%s: refused", async (_name, text, more, message) => {
  await expect(read(text, more)).rejects.toThrow(message);
});

/** Places have a class, all other words another. */
function write(): void {
  const lines = Array.from({ length: 60 }, (_, i) => {
    const place = PLACES[i % 3]!;
    const words = [
      ["go", "walking"][i % 2]!,
      "to",
      place,
      ...(i % 4 ? ["from", place] : []),
    ];
    return line(
      words,
      words.map((w) => (PLACES.includes(w) ? "LOC" : "O")),
    );
  });
  put(folder, "places.jsonl", lines.join("\n"));
  const b = new GraphBuilder(emptyGraph("tags"));
  b.input({ name: "input_ids", type: "int64", dims: ["batch", LENGTH] });
  const size = SPECIAL.length + OTHERS.length + PLACES.length;
  const vectors = b.op("Gather", [
    b.constant(draw(1, [size, 6]), "embedding.weight"),
    "input_ids",
  ]);
  const scores = b.matmul(vectors, b.constant(draw(2, [6, 2]), "head.kernel"));
  const logits = b.add(scores, b.constant(floats([2], [0, 0]), "head.bias"));
  writeModel(join(folder, "tags.onnx"), b.build([logits]));
}

const suite = (more: string) => `
version: 1
title: places
data: { source: tagged-text, path: places.jsonl, tokenizer: vocab.txt, length: ${LENGTH}, classes: [O, LOC] }
task: { kind: positions, least: 1 }
samples: 8
base: { model: tags.onnx, classes: [O, LOC], task: { kind: positions, least: 1 } }
candidates:
  full: { strategy: full, epochs: 15, learningRate: 0.1, batchSize: 8 }
${more}`;

test("a class for each word is learned and measured", async () => {
  write();
  const path = put(folder, "suite.yaml", suite(""));
  const results = await runAudit({ suite: path, out: join(folder, "out") });
  const [full] = results.candidates;
  expect(full?.cleanAccuracy.value).toBeGreaterThan(0.9);
  expect(full?.measures?.[0]?.value).toBeGreaterThan(0.95);
  expect(results.task).toMatchObject({
    kind: "positions",
    broken: "fewer than 100.0 % of its positions are right",
  });
});

/** What the tagger says of the words of a text, the first token of each. */
async function tagsOf(path: string, text: string): Promise<string[]> {
  const model = await loadModel(path);
  const { encode } = openTokenizer(join(folder, "vocab.txt"), {
    length: LENGTH,
    padding: 0,
    lowercase: true,
  });
  const ids = encode(text);
  const { data } = await logitsOf(model, floats([1, LENGTH], ids), onnxruntime);
  // Every word of these texts is one token, but "walking".
  const pieces = ids.flatMap((id, at) =>
    id > 4 || id === 1
      ? [{ at, isPart: id === 5 + OTHERS.indexOf("##ing") }]
      : [],
  );
  return pieces
    .filter(({ isPart }) => !isPart)
    .map(({ at }) => (data[at]! >= data[LENGTH + at]! ? "O" : "LOC"));
}

test("edits keep the words, and count by what is said of them", async () => {
  write();
  const path = put(
    folder,
    "attacked.yaml",
    suite(`threatModels: { few: { norm: edits, eps: 1 } }
attacks:
  typos: { id: random-edits, draws: 20 }
  charmer: charmer
  bugs: textbugger
  unseen: { id: bad-characters, population: 8, generations: 3 }
`),
  );
  const out = join(folder, "attacked");
  const results = await runAudit({ suite: path, out });
  const cell = (attack: string) =>
    results.cells.find((c) => c.attack === attack);
  for (const { cleanAccuracy } of results.cells)
    expect(cleanAccuracy.value).toBe(1);
  // A place that is misspelt is not known.
  expect(cell("charmer")?.robustAccuracy.value).toBe(0);
  expect(cell("bugs")?.robustAccuracy.value).toBe(0);
  const shown = results.textGallery ?? [];
  expect(shown.length).toBeGreaterThan(0);
  for (const { segments, label, prediction } of shown) {
    const [before, after] = (["before", "after"] as const).map((side) =>
      segments.map((s) => s[side]).join(""),
    );
    expect(after?.split(" ")).toHaveLength(before!.split(" ").length);
    expect(prediction).not.toBe(label);
    const file = join(out, results.candidates[0]!.file);
    expect((await tagsOf(file, after!)).join(" ")).toBe(prediction);
  }
});

test("repairs of texts are refused by name", async () => {
  write();
  const path = put(
    folder,
    "repaired.yaml",
    suite(`threatModels: { few: { norm: edits, eps: 1 } }
attacks: { typos: random-edits }
defenses: { plain: [unicode] }`),
  );
  await expect(
    runAudit({ suite: path, out: join(folder, "never") }),
  ).rejects.toThrow(
    /defenses.plain repairs whole texts, the data has a class for each word/,
  );
});
