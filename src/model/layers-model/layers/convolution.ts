import { z } from "zod";
import { type Attributes, type FloatTensor, floats, int, ints } from "#onnx";
import { activate, activationSchema } from "../activation.ts";
import {
  channelsLast,
  configOf,
  type Importer,
  type ImporterTable,
  type LayerContext,
  sizes,
  unsupported,
} from "../layer.ts";

const settings = (rank: number) =>
  z.object({
    strides: sizes(rank).nullish(),
    padding: z.enum(["valid", "same", "causal"]).default("valid"),
    dilation_rate: sizes(rank).nullish(),
    data_format: channelsLast,
    use_bias: z.boolean().default(true),
    activation: activationSchema,
  });

/** The pads of one axis as TensorFlow chooses them. */
export function padsOf(
  c: LayerContext,
  padding: "valid" | "same" | "causal",
  first: string,
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): Attributes {
  if (padding === "valid") return {};
  const lengths = c.b.rankedDims(first).slice(2);
  const begin: number[] = [];
  const end: number[] = [];
  kernel.forEach((k, i) => {
    const reach = (k - 1) * (dilations[i] ?? 1);
    const stride = strides[i] ?? 1;
    const length = lengths[i];
    if (padding === "causal") {
      begin.push(reach);
      end.push(0);
      return;
    }
    if (typeof length !== "number" && stride !== 1)
      throw unsupported(
        c.layer,
        `it pads an image of unknown size with stride ${stride}`,
      );
    const total =
      typeof length === "number"
        ? Math.max(
            0,
            (Math.ceil(length / stride) - 1) * stride + reach + 1 - length,
          )
        : reach;
    begin.push(Math.floor(total / 2));
    end.push(total - Math.floor(total / 2));
  });
  return { pads: ints([...begin, ...end]) };
}

/** A kernel with its axes in another order. */
export function reordered(
  t: FloatTensor,
  order: readonly number[],
): FloatTensor {
  const dims = order.map((axis) => t.dims[axis] ?? 1);
  const strides = t.dims.map((_, i) =>
    t.dims.slice(i + 1).reduce((p, d) => p * d, 1),
  );
  const data = new Float32Array(t.data.length);
  const place = dims.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    let at = 0;
    place.forEach((p, k) => {
      at += p * strides[order[k]!]!;
    });
    data[i] = t.data[at]!;
    for (let k = dims.length - 1; k >= 0; k--) {
      place[k] = place[k]! + 1;
      if (place[k]! < dims[k]!) break;
      place[k] = 0;
    }
  }
  return floats(dims, data);
}

/** [...k, in, out] of Keras as [out, in, ...k] of ONNX. */
const kernelFirst = (t: FloatTensor) => {
  const rank = t.dims.length;
  return reordered(t, [
    rank - 1,
    rank - 2,
    ...Array.from({ length: rank - 2 }, (_, i) => i),
  ]);
};

/** [...k, in, each] of a depthwise kernel as [in * each, 1, ...k]. */
const kernelByChannel = (t: FloatTensor) => {
  const rank = t.dims.length;
  const moved = reordered(t, [
    rank - 2,
    rank - 1,
    ...Array.from({ length: rank - 2 }, (_, i) => i),
  ]);
  const [channels = 1, each = 1, ...k] = moved.dims;
  return floats([channels * each, 1, ...k], moved.data);
};

interface Geometry {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: "valid" | "same" | "causal";
}

/** A convolution of an image with channels first. */
function convolved(
  c: LayerContext,
  image: string,
  kernel: FloatTensor,
  bias: string | undefined,
  { strides, dilations, padding }: Geometry,
  groups = 1,
): string {
  const { b, layer } = c;
  const size = kernel.dims.slice(2);
  const name = `${layer.name}/${groups === 1 ? "kernel" : "depthwise_kernel"}`;
  return b.op("Conv", [image, once(c, kernel, name), ...(bias ? [bias] : [])], {
    kernel_shape: ints(size),
    strides: ints(strides),
    dilations: ints(dilations),
    group: int(groups),
    ...padsOf(c, padding, image, size, strides, dilations),
  });
}

/**
 * A constant under a name of its own; of a layer that is used twice, the
 * one that is there.
 */
export function once(
  c: LayerContext,
  value: FloatTensor,
  name: string,
): string {
  return c.b.constantOf(name) ? name : c.b.constant(value, name);
}

const biasOf = (c: LayerContext, used: boolean) =>
  used ? once(c, c.weight("bias"), `${c.layer.name}/bias`) : undefined;

const conv =
  (rank: number): Importer =>
  (c) => {
    const { strides, dilation_rate, padding, use_bias, activation } = configOf(
      c,
      settings(rank),
    );
    const ones = new Array<number>(rank).fill(1);
    const y = convolved(
      c,
      c.views.first(c.x),
      kernelFirst(c.weight("kernel")),
      biasOf(c, use_bias),
      { strides: strides ?? ones, dilations: dilation_rate ?? ones, padding },
    );
    return activate(c, c.views.last(y), activation);
  };

const depthwise: Importer = (c) => {
  const { strides, dilation_rate, padding, use_bias, activation } = configOf(
    c,
    settings(2),
  );
  const kernel = c.weight("depthwise_kernel");
  const y = convolved(
    c,
    c.views.first(c.x),
    kernelByChannel(kernel),
    biasOf(c, use_bias),
    { strides: strides ?? [1, 1], dilations: dilation_rate ?? [1, 1], padding },
    kernel.dims[2],
  );
  return activate(c, c.views.last(y), activation);
};

/** Each channel by itself, then all of them at each pixel. */
const separable: Importer = (c) => {
  const { strides, dilation_rate, padding, use_bias, activation } = configOf(
    c,
    settings(2),
  );
  const kernel = c.weight("depthwise_kernel");
  const apart = convolved(
    c,
    c.views.first(c.x),
    kernelByChannel(kernel),
    undefined,
    { strides: strides ?? [1, 1], dilations: dilation_rate ?? [1, 1], padding },
    kernel.dims[2],
  );
  const pointwise = kernelFirst(c.weight("pointwise_kernel"));
  const name = `${c.layer.name}/pointwise_kernel`;
  const bias = biasOf(c, use_bias);
  const y = c.b.op(
    "Conv",
    [apart, once(c, pointwise, name), ...(bias ? [bias] : [])],
    { kernel_shape: ints([1, 1]) },
  );
  return activate(c, c.views.last(y), activation);
};

/**
 * [kh, kw, out, in] of Keras as [in, out, kh, kw] of ONNX. The image
 * grows by the stride.
 */
const transposed: Importer = (c) => {
  const {
    strides: stated,
    dilation_rate,
    padding,
    ...rest
  } = configOf(c, settings(2));
  if (dilation_rate?.some((d) => d !== 1) || padding === "causal")
    throw unsupported(c.layer, "it is dilated");
  const strides = stated ?? [1, 1];
  const kernel = reordered(c.weight("kernel"), [3, 2, 0, 1]);
  const size = kernel.dims.slice(2);
  const spare = size.map((k, i) => k - (strides[i] ?? 1));
  const cut = spare.map((s) => (padding === "same" ? Math.max(0, s) : 0));
  const bias = biasOf(c, rest.use_bias);
  const y = c.b.op(
    "ConvTranspose",
    [
      c.views.first(c.x),
      once(c, kernel, `${c.layer.name}/kernel`),
      ...(bias ? [bias] : []),
    ],
    {
      kernel_shape: ints(size),
      strides: ints(strides),
      pads: ints([
        ...cut.map((p) => Math.floor(p / 2)),
        ...cut.map((p) => p - Math.floor(p / 2)),
      ]),
      output_padding: ints(spare.map((s) => Math.max(0, -s))),
    },
  );
  return activate(c, c.views.last(y), rest.activation);
};

export const convolution: ImporterTable = {
  Conv1D: conv(1),
  Conv2D: conv(2),
  Conv2DTranspose: transposed,
  DepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
};
