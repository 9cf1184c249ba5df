import type { Crafting } from "#attacks";
import {
  type CompiledModel,
  compile,
  type Model,
  meaningOf,
  softmaxRows,
} from "#model";
import { type FloatTensor, floats, sizeOf } from "#onnx";
import type { TrialInput } from "../trial.ts";

/** Inputs that were crafted on the base, and the same without it. */
export interface Crafted {
  readonly base: FloatTensor;
  /** Crafted on a model that does not descend from the base. */
  readonly unrelated: FloatTensor;
  /** Random images, as many. */
  readonly noise: FloatTensor;
}

/** Where the inputs of a finding came from, as it says. */
export const sources: readonly (readonly [
  keyof Crafted,
  string | undefined,
])[] = [
  ["base", undefined],
  ["unrelated", "unrelated base"],
  ["noise", "random"],
];

/** Crafts inputs on the base and on an unrelated model, and draws as many at random. */
export async function craftAll({
  unit,
  params,
  victim,
  unrelated,
  once,
  random,
  engine,
  onProgress,
}: TrialInput<Crafting>): Promise<Crafted> {
  const on = (name: string, model: Model | null, from: number) =>
    once(`inputs ${name}`, async () => {
      if (!model) throw new Error("there is a model; the plan says so");
      const base = await compile(model, engine);
      try {
        return await unit.craft({
          base,
          params,
          random: random.fork("inputs"),
          onProgress: (share) => onProgress(from + share * 0.45),
        });
      } finally {
        await base.release();
      }
    });
  const base = await on("base", victim.base, 0);
  const [low, high] = victim.model.contract.bounds;
  const draws = random.fork("noise");
  return {
    base,
    unrelated: await on("unrelated", unrelated, 0.45),
    noise: floats(
      base.dims,
      Float32Array.from(
        { length: sizeOf(base.dims) },
        () => low + (high - low) * draws.uniform(),
      ),
    ),
  };
}

/** The probabilities of the classes that a candidate gives to inputs [N, classes]. */
export async function answersTo(
  candidate: CompiledModel,
  inputs: FloatTensor,
): Promise<number[][]> {
  const { model } = candidate;
  return softmaxRows(meaningOf(model).view(await candidate.logits(inputs)));
}
