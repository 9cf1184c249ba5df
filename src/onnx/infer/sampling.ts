import { axisOf } from "../dims.ts";
import { attribute, type Dim } from "../graph.ts";
import type { InferRule, InferTable } from "./known.ts";

/** Sizes after resizing by scales, or to sizes that may keep the aspect ratio. */
const resize: InferRule = (context) => {
  const { node, inputs } = context;
  const type = inputs[0]?.type;
  const from = context.dims(0);
  if (!from) return [{ type }];
  const axes = (context.ints("axes") ?? from.map((_, i) => i)).map((a) =>
    axisOf(a, from.length),
  );
  const scales = inputs[2]?.floats;
  const sizes = inputs[3]?.values;
  const policy = attribute(
    node,
    "keep_aspect_ratio_policy",
    "string",
    "stretch",
  );
  const dims = [...from];
  const kept =
    sizes && policy !== "stretch"
      ? keptScale(
          axes.map((a) => from[a] ?? null),
          sizes,
          policy,
        )
      : undefined;
  axes.forEach((axis, i) => {
    const length = from[axis] ?? null;
    if (scales?.length) {
      const scale = scales[i] ?? 1;
      dims[axis] =
        scale === 1
          ? length
          : typeof length === "number"
            ? // In single precision, as onnxruntime multiplies.
              Math.floor(Math.fround(length * scale))
            : null;
    } else if (policy === "stretch") {
      dims[axis] = sizes?.[i] ?? null;
    } else {
      dims[axis] =
        typeof length === "number" && kept !== undefined
          ? Math.floor(length * kept + 0.5)
          : null;
    }
  });
  return [{ type, dims }];
};

function keptScale(
  lengths: readonly Dim[],
  sizes: readonly Dim[],
  policy: string,
): number | undefined {
  const ratios = sizes.map((size, i) => Number(size) / Number(lengths[i]));
  if (!ratios.every(Number.isFinite)) return undefined;
  return policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
}

/** Blocks of `size` pixels a side become channels, or the other way round. */
const blocks =
  (toDepth: boolean): InferRule =>
  (context) => {
    const type = context.inputs[0]?.type;
    const dims = context.dims(0);
    const size = context.int("blocksize", 1);
    if (!dims) return [{ type }];
    const scaled = (d: Dim | undefined, factor: number) =>
      typeof d === "number" ? d * factor : null;
    const [channels, side] = toDepth
      ? [size ** 2, 1 / size]
      : [1 / size ** 2, size];
    return [
      {
        type,
        dims: [
          dims[0] ?? null,
          scaled(dims[1], channels),
          scaled(dims[2], side),
          scaled(dims[3], side),
        ],
      },
    ];
  };

export const samplingOps: InferTable = {
  Resize: resize,
  SpaceToDepth: blocks(true),
  DepthToSpace: blocks(false),
  GridSample: (context) => {
    const type = context.inputs[0]?.type;
    const image = context.dims(0);
    const grid = context.dims(1);
    if (!image || !grid) return [{ type }];
    return [
      {
        type,
        dims: [image[0] ?? null, image[1] ?? null, ...grid.slice(1, -1)],
      },
    ];
  },
};
