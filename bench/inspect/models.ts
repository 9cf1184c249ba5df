import type { Model } from "#model";
import { modelOf } from "#model";
import { int64s, ints } from "#onnx";
import { Net } from "../models/net.ts";

const close = (net: Net, logits: string, shape: readonly number[]): Model =>
  modelOf(net.b.build([logits]), "bench", { input: { shape: [...shape] } });

export function resnet50(classes = 1000): Model {
  const net = new Net("resnet50");
  const shape = [3, 224, 224];
  net.b.input({ name: "x", type: "float32", dims: ["batch", ...shape] });
  const conv = (
    x: string,
    from: number,
    to: number,
    kernel: number,
    stride = 1,
  ) =>
    net.norm(net.conv(x, from, to, kernel, { stride, pad: kernel >> 1 }), to);
  let x = net.b.op("MaxPool", [net.relu(conv("x", 3, 64, 7, 2))], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
  });
  let from = 64;
  for (const [width, count, first] of [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ] as const)
    for (let i = 0; i < count; i++) {
      const [stride, to] = [i === 0 ? first : 1, 4 * width];
      const y = net.relu(conv(x, from, width, 1));
      const z = net.relu(conv(y, width, width, 3, stride));
      const skip = i === 0 ? conv(x, from, to, 1, stride) : x;
      // Small, so that sixteen blocks of random weights do not grow without end.
      const branch = net.b.mul(conv(z, width, to, 1), 0.3);
      x = net.relu(net.b.add(branch, skip));
      from = to;
    }
  return close(net, net.linear(net.globalAverage(x), 2048, classes), shape);
}

function vitBase(): Model {
  const [net, width] = [new Net("vit-b16"), 768];
  const shape = [3, 224, 224];
  const { b } = net;
  b.input({ name: "x", type: "float32", dims: ["batch", ...shape] });
  const patches = b.transpose(
    b.reshape(net.conv("x", 3, width, 16, { stride: 16 }), [0, width, 196]),
    [0, 2, 1],
  );
  const token = net.weight("class_token", [1, 1, width], 0.02);
  const batch = b.slice(b.shapeOf("x"), [0], [1], [0]);
  const size = b.concat([batch, b.ints([1, width])], 0);
  let x = b.concat([b.expand(token, size), patches], 1);
  x = b.add(x, net.weight("position", [1, 197, width], 0.02));
  for (let i = 0; i < 12; i++) x = net.transformer(x, width, 12, true);
  const first = net.pick(net.layerNorm(x, width), 0);
  return close(net, net.linear(first, width, 1000), shape);
}

function bertBase(): Model {
  const [net, width, length] = [new Net("bert-base"), 768, 128];
  const { b } = net;
  b.input({ name: "x", type: "int64", dims: ["batch", length] });
  const table = net.weight("words", [30522, width], 0.02);
  const places = b.op("Gather", [
    net.weight("places", [512, width], 0.02),
    b.constant(int64s(Array.from({ length }, (_, i) => i))),
  ]);
  let x = net.layerNorm(b.add(b.op("Gather", [table, "x"]), places), width);
  for (let i = 0; i < 12; i++) x = net.transformer(x, width, 12, false);
  const pooled = b.op("Tanh", [net.linear(net.pick(x, 0), width, width)]);
  return close(net, net.linear(pooled, width, 2), [length]);
}

/** Models of the size that people fine-tune, with random weights, by name. */
export const large: Readonly<Record<string, () => Model>> = {
  "resnet-50": resnet50,
  "vit-b/16": vitBase,
  "bert-base": bertBase,
};
