import { z } from "zod";
import { AssayError, type Random } from "#core";
import type { Engine } from "#engine";
import {
  byParts,
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  numbers,
  rows,
  sizeOf,
  takeRows,
} from "#onnx";
import { featuresOf } from "./class-features.ts";
import { defineFilter } from "./repair.ts";

/**
 * Label sanitisation (Paudice, Muñoz-González and Lupu 2018, arXiv:1803.00992,
 * algorithm 1): a sample gets the label that most of its k nearest neighbours have,
 * where at least a share `eta` of them agrees and its own is not as frequent. Their
 * defaults are k = 10 and eta = 0.5. Distances are Euclidean between the features that
 * the head of the candidate reads, where the paper, whose classifiers are linear, takes
 * inputs (`space: inputs`). Of a large set, neighbours are looked for among `most`
 * samples, drawn at random.
 */
export const labelSanitisation = defineFilter({
  id: "label-sanitisation",
  title: "Label sanitisation by nearest neighbours",
  summary:
    "Gives each sample of the fine-tuning set the label that most of its neighbours among the features have.",
  caution:
    "It sees wrong labels only: poisons whose labels are right (poison-frogs, bullseye-polytope, witches-brew) pass, and flips that lie together (`gathered`) agree with each other. It changes clean samples near boundaries too.",
  reference: "Paudice et al. 2018, arXiv:1803.00992",
  needs: ["one class"],
  params: z.strictObject({
    k: z.int().positive().default(10).describe("neighbours that are asked"),
    eta: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("share of the neighbours that has to agree"),
    space: z
      .enum(["features", "inputs"])
      .default("features")
      .describe("between what distances are taken"),
    most: z
      .int()
      .positive()
      .default(10_000)
      .describe("samples among which neighbours are looked for"),
  }),
  async filter({ params, random, ...input }) {
    const { engine, train } = input;
    const { k, eta, space, most } = params;
    const values = space === "inputs" ? train.x : await featuresOf(input);
    const near = await neighbours(values, { k, most }, engine, random);
    const y = Int32Array.from(train.y, (own, i) => {
      const votes = train.classes.map(() => 0);
      for (const j of near[i]!) {
        const label = train.y[j]!;
        votes[label] = votes[label]! + 1;
      }
      const top = Math.max(...votes);
      if (top / k < eta || votes[own] === top) return own;
      return votes.indexOf(top);
    });
    return { rows: [...train.y.keys()], y };
  },
});

/** The most values of samples that others are compared with: 1 GiB. */
const LARGEST = 2 ** 28;

/** Rows whose distances are computed at once. */
const BATCH = 256;

/**
 * The k nearest other rows of each row, among a random part of them
 * where they are many.
 */
async function neighbours(
  x: FloatTensor,
  { k, most }: { k: number; most: number },
  engine: Engine,
  random: Random,
): Promise<number[][]> {
  const n = x.dims[0] ?? 0;
  const width = sizeOf(x.dims.slice(1));
  const centred = aroundMean(x);
  const bank =
    n > most
      ? random
          .permutation(n)
          .slice(0, most)
          .sort((a, b) => a - b)
      : Array.from({ length: n }, (_, i) => i);
  if (bank.length * width > LARGEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `label-sanitisation compares with ${bank.length} samples of ${width} numbers at once, ${bank.length * width} values, expected at most ${LARGEST}`,
      "Set most to fewer samples, or space to features.",
    );
  const kept = centred(takeRows(x, bank));
  const b = new GraphBuilder(emptyGraph("neighbours"));
  const own = b.input({ name: "own", type: "float32", dims: ["batch", width] });
  const others = b.constant(kept);
  const squares = b.constant(
    floats(
      [1, bank.length],
      bank.map((_, i) => {
        const { data } = rows(kept, i, i + 1) as FloatTensor;
        return data.reduce((sum, v) => sum + v * v, 0);
      }),
    ),
  );
  // The square of the row's own length is the same for all.
  const closeness = b.sub(
    b.mul(b.matmul(own, b.transposeLast(others)), 2),
    squares,
  );
  // One more, since a row is its own nearest.
  const wanted = Math.min(k + 1, bank.length);
  const [, places = ""] = b.many(
    "TopK",
    [closeness, b.ints([wanted])],
    { axis: int(1) },
    2,
  );
  const session = await engine.load(b.build([places]));
  const near: number[][] = [];
  for (let from = 0; from < n; from += BATCH) {
    const part = centred(rows(x, from, Math.min(n, from + BATCH)));
    const found = numbers((await session.run({ own: part }))[places]!);
    for (let i = 0; i < (part.dims[0] ?? 0); i++)
      near.push(
        found
          .slice(i * wanted, (i + 1) * wanted)
          .map((place) => bank[place]!)
          .filter((row) => row !== from + i)
          .slice(0, k),
      );
  }
  await session.release();
  return near;
}

/**
 * Rows without their mean, flat: distances are as they were, and their squares
 * lose fewer digits.
 */
function aroundMean(x: FloatTensor): (rows: FloatTensor) => FloatTensor {
  const n = x.dims[0] ?? 0;
  const width = sizeOf(x.dims.slice(1));
  const mean = new Float64Array(width);
  for (const { data } of byParts(x))
    for (let i = 0; i < data.length; i++) mean[i % width]! += data[i]! / n;
  return ({ data }) =>
    floats(
      [data.length / width, width],
      data.map((v, i) => v - mean[i % width]!),
    );
}
