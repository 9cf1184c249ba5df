import type { Dim } from "../graph.ts";
import type { InferContext, InferRule, InferTable } from "./known.ts";
import { castTypes } from "./shapes.ts";

/** The type that the attribute `dtype` names, or another. */
const stated = (context: InferContext, fallback: number) =>
  castTypes[context.int("dtype", fallback)];

const drawn: InferRule = (context) => [
  { type: stated(context, 1), dims: context.ints("shape") },
];

/** In the shape of the input, and of its type unless another is named. */
const drawnLike: InferRule = (context) => [
  {
    type: stated(context, 0) ?? context.inputs[0]?.type,
    dims: context.dims(0),
  },
];

/** Operators whose results are drawn at random, or chosen among candidates. */
export const drawingOps: InferTable = {
  RandomNormal: drawn,
  RandomUniform: drawn,
  RandomNormalLike: drawnLike,
  RandomUniformLike: drawnLike,
  Bernoulli: drawnLike,
  Multinomial: (context) => [
    {
      type: stated(context, 6),
      dims: [context.dims(0)?.[0] ?? null, context.int("sample_size", 1)],
    },
  ],
  NonMaxSuppression: () => [{ type: "int64", dims: [null, 3] as Dim[] }],
};
