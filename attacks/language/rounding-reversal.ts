import { z } from "zod";
import { compile, type Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";
import { matrices } from "../tampering/eight-bit.ts";
import { type LanguageAttack, onlyWay } from "./language.ts";
import { restored, rounded } from "./rounding.ts";

const params = z.strictObject({
  bits: z
    .array(z.int().min(2).max(8))
    .min(1)
    .default([8, 6, 4, 3])
    .describe("bits of the weights when the model is deployed"),
});

const bitsOf = ({ bits }: z.output<typeof params>) =>
  [...new Set(bits)].toSorted((a, b) => b - a);

/**
 * What rounding brings back (Zhang et al. 2024, arXiv:2410.16454): where a training
 * moved weights by less than rounding does, the rounded model is that of before. The
 * paper's unlearnt models keep 21 % of what they were to forget, and 83 % at four bits.
 * Nobody attacks: who deploys the model rounds it. The share of weights whose whole
 * number is that of the base stands beside it; where it is all of them, the rounded
 * model is the rounded base.
 */
export const roundingReversal: LanguageAttack<typeof params> = {
  id: "rounding-reversal",
  title: "Rounding that undoes a training",
  summary:
    "Rounds the weights of the released model to few bits, and looks whether what it was taught or made to forget is undone.",
  caution:
    "It undoes small updates only, as unlearning makes them; after trainings with large rates hardly a weight rounds to what it did.",
  kind: "language",
  reference: "Zhang et al. 2024, arXiv:2410.16454",
  taxonomy: {
    atlas: ["AML.T0031"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.026"],
  },
  threat: "rounds the released weights for deployment",
  needs: ["dialogues", "base"],
  params,
  unit: "bits",
  levels: bitsOf,
  ways: () => onlyWay,
  control: null,
  async *walk({ model, base, engine, params }) {
    for (const bits of bitsOf(params)) {
      const compiled = await compile(roundedModel(model, bits), engine);
      try {
        const share = 100 * sharedWholes(model, base as Model, bits);
        const note = `${share.toFixed(1)} % of the weights round to the whole number of the base at ${bits} bits`;
        yield { level: bits, model: compiled, notes: [note] };
      } finally {
        await compiled.release();
      }
    }
  },
};

/** A model with its matrices rounded to so many bits, with a scale for each row. */
export function roundedModel(model: Model, bits: number): Model {
  const constants = new Map<string, Tensor>(model.graph.constants);
  for (const [name, weight] of matrices(model))
    constants.set(name, restored(rounded(weight, bits), weight));
  return { ...model, graph: { ...model.graph, constants } };
}

/**
 * The share of the weights of two models of one graph that round to the same whole
 * number, by the same scale.
 */
export function sharedWholes(one: Model, other: Model, bits: number): number {
  let [same, all] = [0, 0];
  for (const [name, weight] of matrices(one)) {
    const before = other.graph.constants.get(name);
    if (before?.type !== "float32") continue;
    const [a, b] = [
      rounded(weight, bits),
      rounded(before as FloatTensor, bits),
    ];
    const width = a.whole.length / a.scales.length;
    all += a.whole.length;
    a.whole.forEach((q, i) => {
      const row = Math.floor(i / width);
      if (q === b.whole[i] && a.scales[row] === b.scales[row]) same++;
    });
  }
  return all > 0 ? same / all : 0;
}
