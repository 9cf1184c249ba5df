import type { Random } from "#core";
import type { Model } from "#model";
import { emptyGraph, floats, GraphBuilder, int, ints, sizeOf } from "#onnx";

/** What a network is made of. */
export interface Plan {
  /** Channels of convolutions of 3x3 that halve an image; none of rows. */
  readonly convolutions?: readonly number[];
  readonly hidden?: readonly number[];
  readonly activation?: "Relu" | "Tanh" | "Silu";
}

/** A network that was not trained, with weights as He et al. 2015 draw them. */
export function net(
  shape: readonly number[],
  classes: readonly string[],
  { convolutions = [], hidden = [], activation = "Relu" }: Plan,
  random: Random,
): Model {
  const b = new GraphBuilder(emptyGraph("net"));
  const input = b.input({
    name: "input",
    type: "float32",
    dims: ["batch", ...shape],
  });
  const weights = (name: string, dims: readonly number[]) => {
    const scale = Math.sqrt(2 / sizeOf(dims.slice(1)));
    const draw = () => scale * random.normal();
    const data = Float32Array.from({ length: sizeOf(dims) }, draw);
    return [
      b.constant(floats(dims, data), `${name}.weight`),
      b.constant(
        floats([dims[0]!], new Float32Array(dims[0]!)),
        `${name}.bias`,
      ),
    ];
  };
  const active = (z: string) =>
    activation === "Silu"
      ? b.mul(z, b.op("Sigmoid", [z]))
      : b.op(activation, [z]);
  let x = input;
  let [channels = 1, height = 1, width = 1] = shape;
  const isImage = shape.length === 3;
  for (const [i, to] of (isImage ? convolutions : []).entries()) {
    const name = `conv${i + 1}`;
    const conv = b.op(
      "Conv",
      [x, ...weights(name, [to, channels, 3, 3])],
      {
        kernel_shape: ints([3, 3]),
        strides: ints([2, 2]),
        pads: ints([1, 1, 1, 1]),
      },
      name,
    );
    x = active(conv);
    channels = to;
    height = Math.ceil(height / 2);
    width = Math.ceil(width / 2);
  }
  let from = isImage ? channels * height * width : channels;
  if (isImage) x = b.op("Flatten", [x], { axis: int(1) });
  const dense = (name: string, to: number) =>
    b.op("Gemm", [x, ...weights(name, [to, from])], { transB: int(1) }, name);
  for (const [i, to] of hidden.entries()) {
    x = active(dense(`hidden${i + 1}`, to));
    from = to;
  }
  const logits = dense("head", classes.length);
  return {
    graph: b.build([logits]),
    input,
    logits,
    contract: { shape, bounds: [0, 1] },
    classes,
    straightThrough: [],
  };
}
