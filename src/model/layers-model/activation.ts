import { z } from "zod";
import { float, type GraphBuilder, int } from "#onnx";
import { type LayerContext, unsupported } from "./layer.ts";

type Activate = (b: GraphBuilder, x: string) => string;

const hardSigmoid: Activate = (b, x) =>
  b.op("HardSigmoid", [x], { alpha: float(0.2), beta: float(0.5) });

const swish: Activate = (b, x) => b.mul(x, b.sigmoid(x));

/** x Phi(x), written out, since the operator is newer than the usual opset. */
const gelu: Activate = (b, x) =>
  b.mul(b.mul(x, 0.5), b.add(b.op("Erf", [b.mul(x, Math.SQRT1_2)]), 1));

const geluByTanh: Activate = (b, x) => {
  const cube = b.mul(b.mul(x, x), x);
  const inner = b.mul(b.add(x, b.mul(cube, 0.044715)), Math.sqrt(2 / Math.PI));
  return b.mul(b.mul(x, 0.5), b.add(b.op("Tanh", [inner]), 1));
};

/**
 * Activations of single elements, by their names without underscores in small letters.
 */
const elementwise: Readonly<Record<string, Activate>> = {
  linear: (_b, x) => x,
  relu: (b, x) => b.op("Relu", [x]),
  relu6: (b, x) => b.op("Clip", [x, b.scalar(0), b.scalar(6)]),
  elu: (b, x) => b.op("Elu", [x]),
  selu: (b, x) => b.op("Selu", [x]),
  sigmoid: (b, x) => b.sigmoid(x),
  hardsigmoid: hardSigmoid,
  softplus: (b, x) => b.op("Softplus", [x]),
  softsign: (b, x) => b.op("Softsign", [x]),
  tanh: (b, x) => b.op("Tanh", [x]),
  exponential: (b, x) => b.exp(x),
  swish,
  silu: swish,
  mish: (b, x) => b.mul(x, b.op("Tanh", [b.op("Softplus", [x])])),
  gelu,
  gelunew: geluByTanh,
};

/** Those that look at all channels. */
const overChannels: Readonly<Record<string, string>> = {
  softmax: "Softmax",
  logsoftmax: "LogSoftmax",
};

/** How a layer states its activation. */
export const activationSchema = z
  .union([z.string(), z.object({ class_name: z.string() })])
  .nullish()
  .transform((a) =>
    (typeof a === "string" ? a : (a?.class_name ?? "linear"))
      .replaceAll("_", "")
      .toLowerCase(),
  );

/** Applies an activation to a value in Keras's layout. */
export function activate(c: LayerContext, x: string, name: string): string {
  const { b, views } = c;
  const op = Object.hasOwn(overChannels, name) ? overChannels[name] : undefined;
  if (op) return b.op(op, [x], { axis: int(-1) });
  const f = Object.hasOwn(elementwise, name) ? elementwise[name] : undefined;
  if (!f) throw unsupported(c.layer, `activation "${name}" is not known`);
  return name === "linear" ? x : views.each([x], ([v = ""]) => f(b, v));
}

/** The names of activations inside of recurrent layers, for ONNX. */
const recurrent: Readonly<Record<string, string>> = {
  tanh: "Tanh",
  relu: "Relu",
  sigmoid: "Sigmoid",
  hardsigmoid: "HardSigmoid",
  elu: "Elu",
  softsign: "Softsign",
  softplus: "Softplus",
};

export function recurrentActivation(c: LayerContext, name: string): string {
  const found = Object.hasOwn(recurrent, name) ? recurrent[name] : undefined;
  if (found) return found;
  throw unsupported(c.layer, `activation "${name}" is not known in it`);
}
