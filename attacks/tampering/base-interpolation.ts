import { z } from "zod";
import { AssayError, type Random } from "#core";
import type { Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";
import { lengthOf } from "#tuning";
import { erosion } from "../taxonomies.ts";
import {
  defineTampering,
  type TamperingInput,
  tamperingParams,
} from "./tampering.ts";

const params = z.strictObject({
  ...tamperingParams,
  taken: z
    .array(z.number().gt(0).max(1))
    .min(1)
    .default([0.1, 0.25, 0.5, 0.75, 1])
    .describe("shares of the way back to the base"),
});

const unit = "of the way from the released model to the base";

/**
 * The way back to the base: every weight that the released model shares with it by name
 * and shape, (1 - t) of its own and t of the base's, as Wortsman et al. 2022
 * (arXiv:2109.01903) interpolate. Nothing is trained. A head of other classes stays.
 */
export const baseInterpolation = defineTampering({
  id: "base-interpolation",
  title: "Way back to the base",
  summary:
    "Moves the released weights towards those of the base, and measures what is left of accuracy, agreement and robustness.",
  caution:
    "A head that is not the base's stays as it is, so accuracy falls where features move away from it; base-random-move, as far in random directions, is what it is compared with.",
  reference: "Wortsman et al. 2022, arXiv:2109.01903",
  taxonomy: {
    atlas: ["AML.T0018.000"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.026"],
  },
  threat: "has the released weights and those of the base; trains nothing",
  needs: ["base"],
  unit,
  params,
  levels: ({ taken }) => taken,
  tamper: async (input) => moved(input, (_, end) => end),
});

/** Random directions, as long as the way to the base for each tensor: its control. */
export const baseRandomMove = defineTampering({
  id: "base-random-move",
  title: "Random move as far as the base",
  summary:
    "Moves the released weights as far as base-interpolation does, in random directions: what a move of this length does by itself.",
  caution:
    "It is a control and no attack: what it breaks any move of this length breaks, and one draw is a sample.",
  reference: "control of Wortsman et al. 2022, arXiv:2109.01903",
  taxonomy: erosion,
  threat: "has the released weights and the base, and moves them at random",
  needs: ["base"],
  unit,
  params,
  levels: ({ taken }) => taken,
  tamper: async (input) =>
    moved(input, (start, end, name) => asFar(start, end, input.random, name)),
});

/** A model with the weights that the base has too part of the way to some goal. */
function moved(
  { model, base, level }: TamperingInput<unknown>,
  goalOf: (
    start: Float32Array,
    end: Float32Array,
    name: string,
  ) => Float32Array,
): Model {
  const constants = new Map<string, Tensor>(model.graph.constants);
  let shared = 0;
  for (const [name, start] of model.graph.constants) {
    const end = base?.graph.constants.get(name);
    const isSame =
      start.type === "float32" &&
      end?.type === "float32" &&
      start.dims.join() === end.dims.join();
    if (!isSame || end === start) continue;
    shared++;
    const from = start.data as Float32Array;
    const goal = goalOf(from, end.data as Float32Array, name);
    const data = from.map((v, i) => (1 - level) * v + level * goal[i]!);
    constants.set(name, { ...(start as FloatTensor), data });
  }
  if (shared > 0) return { ...model, graph: { ...model.graph, constants } };
  throw new AssayError(
    "TAMPERING_BASE",
    "the released model and the base have no weight of the same name and shape that differs",
    "Name the base that the model was tuned from, exported with the same names.",
  );
}

/** A point as far from the start as the end is, in a direction that is drawn. */
export function asFar(
  start: Float32Array,
  end: Float32Array,
  random: Random,
  name: string,
): Float32Array {
  const drawn = random.fork(name);
  const move = Float32Array.from(start, () => drawn.normal());
  const scale = lengthOf(end.map((v, i) => v - start[i]!)) / lengthOf(move);
  return start.map((v, i) => v + scale * move[i]!);
}
