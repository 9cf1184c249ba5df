import { Random } from "#core";
import { type Model, modelOf } from "#model";
import { floats, int64s } from "#onnx";
import { architectureOf } from "#tuning";
import { Net } from "../models/net.ts";

const close = (net: Net, logits: string, shape: readonly number[]): Model =>
  modelOf(net.b.build([logits]), "growth", { input: { shape: [...shape] } });

/** Residual blocks of four nodes each, so that it has about so many. */
export function deep(nodes: number): Model {
  const [net, width] = [new Net("deep"), 16];
  net.b.input({ name: "x", type: "float32", dims: ["batch", width] });
  let x = "x";
  for (let i = 0; i < nodes / 4; i++) {
    const y = net.linear(net.relu(net.linear(x, width, width)), width, width);
    x = net.b.add(x, y);
  }
  return close(net, net.linear(x, width, 4), [width]);
}

/** An LSTM over so many steps. */
export function recurrent(steps: number): Model {
  const [net, width] = [new Net("recurrent"), 16];
  const { b } = net;
  b.input({ name: "x", type: "float32", dims: ["batch", steps, width] });
  const [, last = ""] = b.many(
    "LSTM",
    [
      b.transpose("x", [1, 0, 2]),
      net.weight("lstm.weight", [1, 4 * width, width], 0.2),
      net.weight("lstm.recurrence", [1, 4 * width, width], 0.2),
    ],
    { hidden_size: { kind: "int", value: width } },
    2,
  );
  return close(net, net.linear(b.squeeze(last, [0]), width, 4), [steps, width]);
}

/** A recurrence as tracing writes it: each step takes its slice of the input. */
export function sliced(steps: number): Model {
  const [net, width] = [new Net("sliced"), 16];
  const { b } = net;
  b.input({ name: "x", type: "float32", dims: ["batch", steps, width] });
  const recurrence = net.weight("recurrence", [width, width], 0.2);
  let h = "";
  for (let t = 0; t < steps; t++) {
    const at = b.constant(int64s([t], []));
    const x = b.op("Gather", ["x", at], { axis: { kind: "int", value: 1 } });
    h = b.op("Tanh", [h ? b.add(x, b.matmul(h, recurrence)) : x]);
  }
  return close(net, net.linear(h, width, 4), [steps, width]);
}

/** A network of one hidden layer between so many features and classes. */
export function wide(features: number, classes: number): Model {
  const net = new Net("wide");
  net.b.input({ name: "x", type: "float32", dims: ["batch", features] });
  const hidden = net.relu(net.linear("x", features, 32));
  return close(net, net.linear(hidden, 32, classes), [features]);
}

/** The architecture of small images. */
export const small = (): Model =>
  architectureOf("small-cnn").build([1, 8, 8], ["a", "b"], new Random(0));

/** Samples of a model, evenly drawn. */
export function samplesFor({ contract }: Model, n: number) {
  const random = new Random(2);
  const size = n * contract.shape.reduce((p, d) => p * d, 1);
  return floats(
    [n, ...contract.shape],
    Float32Array.from({ length: size }, () => random.uniform()),
  );
}
