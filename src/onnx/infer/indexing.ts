import { axisOf } from "../dims.ts";
import { parseEinsum } from "../einsum.ts";
import { attribute, type Dim } from "../graph.ts";
import type { InferContext, InferRule, InferTable } from "./known.ts";

const sameAsFirst: InferRule = ({ inputs }) => [
  { type: inputs[0]?.type, dims: inputs[0]?.dims },
];

/** The size of each label, from whichever operand knows it; 1 is broadcast. */
function einsum({ node, inputs }: InferContext) {
  const type = inputs[0]?.type;
  const dims = inputs.map((x) => x.dims);
  if (dims.some((d) => d === undefined)) return [{ type }];
  const contraction = parseEinsum(
    attribute(node, "equation", "string", ""),
    dims.map((d) => d?.length ?? 0),
  );
  if (!contraction) return [{ type }];
  const sizeOf = (label: string): Dim => {
    const sizes = contraction.terms.flatMap((term, i) =>
      term.flatMap((l, axis) => (l === label ? [dims[i]?.[axis] ?? null] : [])),
    );
    const long = sizes.filter((d) => d !== 1);
    return (
      long.find((d) => typeof d === "number") ??
      (long.every((d) => d === long[0]) ? (long[0] ?? 1) : null)
    );
  };
  return [{ type, dims: contraction.output.map(sizeOf) }];
}

const gatherND: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const data = context.dims(0);
  const indices = context.dims(1);
  const picked = indices?.at(-1);
  if (!data || !indices || typeof picked !== "number") return [{ type }];
  const from = context.int("batch_dims", 0) + picked;
  return [{ type, dims: [...indices.slice(0, -1), ...data.slice(from)] }];
};

/** How many rows stay is only known where the condition is. */
const compress: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const data = context.dims(0);
  const kept = context.valuesOf(1)?.filter((v) => v !== 0).length ?? null;
  const axis = attribute(context.node, "axis", "int", undefined);
  if (axis === undefined) return [{ type, dims: [kept] }];
  if (!data) return [{ type }];
  const at = axisOf(axis, data.length);
  return [{ type, dims: data.map((d, i) => (i === at ? kept : d)) }];
};

const unique: InferRule = (context) => {
  const data = context.dims(0);
  const axis = attribute(context.node, "axis", "int", undefined);
  const at = data && axis !== undefined ? axisOf(axis, data.length) : undefined;
  const type = context.inputs[0]?.type;
  const positions = { type: "int64" as const, dims: [null] };
  return [
    axis === undefined
      ? { type, dims: [null] }
      : { type, dims: data?.map((d, i) => (i === at ? null : d)) },
    positions,
    positions,
    positions,
  ];
};

/** A loss for each sample, or one for all. */
const loss: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const each =
    attribute(context.node, "reduction", "string", "mean") === "none";
  return [
    { type, dims: each ? context.dims(1) : [] },
    { type, dims: context.dims(0) },
  ];
};

const oneHot: InferRule = (context) => {
  const type = context.inputs[2]?.type;
  const indices = context.dims(0);
  if (!indices) return [{ type }];
  const axis = axisOf(context.int("axis", -1), indices.length + 1);
  const depth = context.valuesOf(1)?.[0] ?? null;
  return [
    { type, dims: [...indices.slice(0, axis), depth, ...indices.slice(axis)] },
  ];
};

const centerCropPad: InferRule = (context) => {
  const type = context.inputs[0]?.type;
  const dims = context.dims(0);
  const wanted = context.inputs[1]?.values;
  if (!dims) return [{ type }];
  const axes = (context.ints("axes") ?? dims.map((_, i) => i)).map((a) =>
    axisOf(a, dims.length),
  );
  return [
    {
      type,
      dims: dims.map((d, i) =>
        axes.includes(i) ? (wanted?.[axes.indexOf(i)] ?? null) : d,
      ),
    },
  ];
};

export const indexingOps: InferTable = {
  Einsum: einsum,
  GatherND: gatherND,
  TensorScatter: sameAsFirst,
  CumProd: sameAsFirst,
  CenterCropPad: centerCropPad,
  Compress: compress,
  Unique: unique,
  NegativeLogLikelihoodLoss: (context) => loss(context).slice(0, 1),
  SoftmaxCrossEntropyLoss: loss,
  OneHot: oneHot,
};
