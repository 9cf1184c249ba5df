import { axisOf } from "../dims.ts";
import {
  axesOf,
  type InferRule,
  type InferTable,
  isComputed,
} from "./known.ts";

const reduce: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const dims = context.dims(0);
  if (!dims) return [{ type }];
  const axes = axesOf(context, 1, dims.length);
  const keep = context.int("keepdims", 1) === 1;
  if (!axes && isComputed(context, 1)) {
    return [keep ? { type, dims: dims.map(() => null) } : { type }];
  }
  if (!axes?.length && context.int("noop_with_empty_axes", 0) === 1) {
    return [{ type, dims }];
  }
  const reduced = (i: number) => !axes?.length || axes.includes(i);
  return [
    {
      type,
      dims: keep
        ? dims.map((d, i) => (reduced(i) ? 1 : d))
        : dims.filter((_, i) => !reduced(i)),
    },
  ];
};

const argument: InferRule = (context) => {
  const dims = context.dims(0);
  if (!dims) return [{ type: "int64" }];
  const axis = axisOf(context.int("axis", 0), dims.length);
  const keep = context.int("keepdims", 1) === 1;
  return [
    {
      type: "int64",
      dims: keep
        ? dims.map((d, i) => (i === axis ? 1 : d))
        : dims.filter((_, i) => i !== axis),
    },
  ];
};

const names =
  "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare";

export const reductionOps: InferTable = {
  ...Object.fromEntries(names.split(" ").map((op) => [op, reduce])),
  ArgMax: argument,
  ArgMin: argument,
};
