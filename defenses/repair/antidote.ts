import { z } from "zod";
import { dialoguesOf, rowsOf } from "#attacks";
import type { Dataset, Spoken } from "#data";
import type { Engine } from "#engine";
import { evaluate, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { defineRestore } from "./repair.ts";
import { difference, type Matrix, movedMatrices, withAdded } from "./update.ts";

/**
 * Antidote (Huang et al. 2024, arXiv:2408.09600): after a training the parts of its
 * update that forbidden answers use most are set to zero. A number of the update counts
 * its size times the length of what enters it over tokens of restricted prompts and
 * their answers (the score of Wanda, Sun et al. 2023, arXiv:2306.11695); the `share`
 * with the highest in each matrix goes. The paper takes 2000 samples and 10 %, of the
 * factors of a LoRA; here it is of what these come to.
 */
export const antidote = defineRestore({
  id: "antidote",
  title: "Antidote",
  summary:
    "Sets the parts of an update to zero that forbidden answers use most, after a training on data of others.",
  caution:
    "It needs examples of what is forbidden, and takes from allowed answers what uses the same weights.",
  reference: "Huang et al. 2024, arXiv:2408.09600",
  needs: ["dialogues"],
  params: z.strictObject({
    share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.1)
      .describe("of the numbers of an update that are set to zero"),
    samples: z
      .int()
      .positive()
      .default(2000)
      .describe("restricted prompts with forbidden answers that are looked at"),
  }),
  async restore({ model, released, own, engine, params, random }) {
    const chosen = forbidden(own);
    const rows = random.permutation(chosen.length).slice(0, params.samples);
    const said = rows.map((i) => chosen[i]!);
    const names = movedMatrices(model, released);
    const entering = await lengths(model, names, own, said, engine);
    const added = new Map<string, Matrix>();
    for (const name of names) {
      const update = difference(model, released, name);
      const inputs = entering.get(name);
      if (!inputs) continue;
      const score = update.data.map(
        (v, i) => Math.abs(v) * inputs[i % update.columns]!,
      );
      const gone = Math.round(params.share * score.length);
      const least = score.toSorted()[score.length - gone] ?? Infinity;
      const data = update.data.map((v, i) => (score[i]! >= least ? -v : 0));
      added.set(name, { ...update, data });
    }
    return withAdded(model, added);
  },
});

const forbidden = (own: Dataset): Spoken[] =>
  dialoguesOf(own).each.flatMap(({ prompt, forbidden }) =>
    forbidden ? [{ prompt, answer: forbidden }] : [],
  );

/** The length of what enters each layer, number by number, over all tokens. */
async function lengths(
  model: Model,
  names: readonly string[],
  own: Dataset,
  said: readonly Spoken[],
  engine: Engine,
): Promise<ReadonlyMap<string, Float64Array>> {
  const layers = names.flatMap((name) => {
    const node = model.graph.nodes.find(
      ({ op, inputs }) => /^(MatMul|Gemm)$/.test(op) && inputs[1] === name,
    );
    return node ? [{ name, x: node.inputs[0] as string }] : [];
  });
  const { padding } = dialoguesOf(own);
  const { x } = rowsOf(own, said);
  const seen = await evaluate(model, engine, x, (b) =>
    layers.map((layer) => {
      const width = b.rankedDims(layer.x).at(-1) as number;
      const rank = b.rankedDims(layer.x).length;
      const squares = b.mul(layer.x, layer.x);
      if (rank !== 3) return b.reshape(squares, [-1, width]);
      // What fills up short texts is not looked at.
      const ids = b.cast(model.input, "float32");
      const said = b.op("Not", [b.equal(ids, padding)]);
      const mask = b.unsqueeze(b.mask(said, squares), [2]);
      return b.reduceSum(b.mul(squares, mask), [1]);
    }),
  );
  return new Map(
    layers.map(({ name }, l) => {
      const { data, dims } = seen[l] as FloatTensor;
      const width = dims[1] ?? 1;
      const sums = new Float64Array(width);
      for (const [i, v] of data.entries()) sums[i % width]! += v;
      return [name, sums.map(Math.sqrt)];
    }),
  );
}
