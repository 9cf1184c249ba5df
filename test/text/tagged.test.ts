import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { emptyGraph, floats, GraphBuilder, writeModel } from "#onnx";
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
    /the word .* has no tokens of its own/,
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

test("attacks that edit texts are refused by name", async () => {
  write();
  const path = put(
    folder,
    "attacked.yaml",
    suite(`threatModels: { few: { norm: edits, eps: 1 } }
attacks: { typos: random-edits }`),
  );
  await expect(
    runAudit({ suite: path, out: join(folder, "never") }),
  ).rejects.toThrow(
    /attacks.typos works on whole texts, the data has a class for each word/,
  );
});
