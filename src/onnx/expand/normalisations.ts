import { axisOf } from "../dims.ts";
import { attribute, int } from "../graph.ts";
import { floats } from "../tensor.ts";
import {
  cannotExpand,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/**
 * Local response normalisation (Krizhevsky et al. 2012): each channel by the squares of
 * those around it.
 */
const lrn: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const dims = b.rankedDims(x);
  const channels = dims[1];
  if (typeof channels !== "number") {
    throw cannotExpand(
      node,
      "the number of channels is not known",
      "Export the model with a fixed image shape.",
    );
  }
  const size = attribute(node, "size", "int", 1);
  const alpha = attribute(node, "alpha", "float", 1e-4);
  const beta = attribute(node, "beta", "float", 0.75);
  const bias = attribute(node, "bias", "float", 1);
  const before = Math.floor((size - 1) / 2);
  const after = Math.ceil((size - 1) / 2);
  const band = new Float32Array(channels * channels);
  for (let c = 0; c < channels; c++) {
    const last = Math.min(channels - 1, c + after);
    for (let i = Math.max(0, c - before); i <= last; i++)
      band[c * channels + i] = 1;
  }
  const flat = b.reshape(b.mul(x, x), [0, channels, -1]);
  const sums = b.matmul(b.constant(floats([channels, channels], band)), flat);
  const around = b.reshape(sums, b.shapeOf(x));
  const scale = b.add(b.mul(around, alpha / size), bias);
  return [b.mul(x, b.pow(scale, -beta))];
};

/** Division by the 1- or 2-norm along an axis. Zeros stay zeros. */
const lpNormalization: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const axis = axisOf(
    attribute(node, "axis", "int", -1),
    b.rankedDims(x).length,
  );
  const op = attribute(node, "p", "int", 2) === 1 ? "ReduceL1" : "ReduceL2";
  const norm = b.op(op, [x, b.ints([axis])], { keepdims: int(1) });
  return [b.div(x, b.where(b.equal(norm, 0), 1, norm))];
};

/** Mean 0 and variance 1 over the given axes. */
const meanVariance: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const axes = b.ints(attribute(node, "axes", "ints", [0, 2, 3]));
  const mean = (v: string) =>
    b.op("ReduceMean", [v, axes], { keepdims: int(1) });
  const centred = b.sub(x, mean(x));
  const deviation = b.sqrt(mean(b.mul(centred, centred)));
  return [b.div(centred, b.add(deviation, 1e-9))];
};

export const normalisations: ExpansionTable = {
  LRN: lrn,
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVariance,
};
