import { z } from "zod";
import { Random } from "#core";
import type { Model } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  sizeOf,
} from "#onnx";
import { type TrainingSettings, trainingSettings } from "#tuning";

export {
  context,
  momentOf,
  normalised,
  reference,
  smallDigits,
  untrained,
} from "../src/conformance/world.ts";

/** Training settings with the defaults of a suite. */
export function settings(
  stated: Record<string, unknown> = {},
): TrainingSettings {
  return z.strictObject(trainingSettings).parse(stated);
}

/** Normal numbers. */
export function draw(
  seed: number,
  dims: readonly number[],
  scale = 1,
): FloatTensor {
  const random = new Random(seed);
  return floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => scale * random.normal()),
  );
}

/**
 * A linear classifier: logits = W x + b, rows of W by class, of vectors or of another
 * shape of as many numbers.
 */
export function linearModel(
  weights: readonly (readonly number[])[],
  bias: readonly number[],
  shape: readonly number[] = [weights[0]?.length ?? 0],
): Model {
  const b = new GraphBuilder(emptyGraph("linear"));
  b.input({ name: "input", type: "float32", dims: ["batch", ...shape] });
  const flat =
    shape.length === 1 ? "input" : b.op("Flatten", ["input"], { axis: int(1) });
  const w = b.constant(
    floats([weights.length, weights[0]?.length ?? 0], weights.flat()),
    "head.weight",
  );
  const c = b.constant(floats([bias.length], bias), "head.bias");
  const logits = b.op("Gemm", [flat, w, c], { transB: int(1) }, "logits");
  return {
    graph: b.build([logits]),
    input: "input",
    logits,
    contract: { shape: [...shape], bounds: [0, 1] },
    classes: weights.map((_, i) => `c${i}`),
    straightThrough: [],
  };
}
