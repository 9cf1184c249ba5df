import { z } from "zod";
import { type Attribute, type FloatTensor, floats, int, string } from "#onnx";
import { activationSchema, recurrentActivation } from "../activation.ts";
import {
  configOf,
  type Importer,
  type ImporterTable,
  type LayerContext,
  unsupported,
} from "../layer.ts";
import { once, reordered } from "./convolution.ts";

const settings = z.object({
  units: z.int().positive(),
  activation: activationSchema,
  recurrent_activation: activationSchema,
  use_bias: z.boolean().default(true),
  return_sequences: z.boolean().nullish(),
  return_state: z.boolean().nullish(),
  go_backwards: z.boolean().nullish(),
  stateful: z.boolean().nullish(),
  reset_after: z.boolean().nullish(),
});

/**
 * [in, gates * units] of Keras as [1, gates * units, in] of ONNX, its gates
 * in another order.
 */
function gated(t: FloatTensor, units: number, order: readonly number[]) {
  const turned = reordered(t, [1, 0]);
  const width = turned.dims[1] ?? 1;
  const parts = order.map((gate) =>
    turned.data.subarray(gate * units * width, (gate + 1) * units * width),
  );
  const data = new Float32Array(turned.data.length);
  parts.forEach((part, i) => {
    data.set(part, i * units * width);
  });
  return floats([1, order.length * units, width], data);
}

/**
 * The bias of the input and that of the state. Keras has one, or both where the
 * reset comes after.
 */
function biases(
  t: FloatTensor | undefined,
  units: number,
  order: readonly number[],
): FloatTensor {
  const width = order.length * units;
  const data = new Float32Array(2 * width);
  for (let row = 0; row < (t?.data.length ?? 0) / width; row++) {
    order.forEach((gate, i) => {
      const from = row * width + gate * units;
      data.set(
        t?.data.subarray(from, from + units) ?? [],
        row * width + i * units,
      );
    });
  }
  return floats([1, 2 * width], data);
}

interface Kind {
  readonly op: "RNN" | "GRU" | "LSTM";
  /** The gates of ONNX by their numbers in Keras. */
  readonly order: readonly number[];
}

const recurrent =
  ({ op, order }: Kind): Importer =>
  (c) => {
    const s = configOf(c, settings);
    if (s.return_state || s.stateful)
      throw unsupported(c.layer, "its state is given out or kept");
    const { b } = c;
    const bias = s.use_bias ? c.weight("bias") : undefined;
    const outputs = b.many(
      op,
      [
        b.transpose(c.x, [1, 0, 2]),
        named(c, "kernel", gated(c.weight("kernel"), s.units, order)),
        named(
          c,
          "recurrent_kernel",
          gated(c.weight("recurrent_kernel"), s.units, order),
        ),
        named(c, "bias", biases(bias, s.units, order)),
      ],
      {
        hidden_size: int(s.units),
        direction: string(s.go_backwards ? "reverse" : "forward"),
        activations: activationsOf(c, op, s),
        ...(op === "GRU"
          ? { linear_before_reset: int(s.reset_after ? 1 : 0) }
          : {}),
      },
      s.return_sequences ? 1 : 2,
    );
    if (!s.return_sequences) return b.squeeze(outputs[1]!, [0]);
    // [time, 1, batch, units]
    const steps = b.transpose(b.squeeze(outputs[0]!, [1]), [1, 0, 2]);
    // Keras gives them out in the order in which it went.
    return s.go_backwards
      ? b.slice(steps, [-1], [-(2 ** 31)], [1], [-1])
      : steps;
  };

const named = (c: LayerContext, name: string, value: FloatTensor) =>
  once(c, value, `${c.layer.name}/${name}`);

function activationsOf(
  c: LayerContext,
  op: Kind["op"],
  s: z.output<typeof settings>,
): Attribute {
  const own = recurrentActivation(c, s.activation);
  const gates = () => recurrentActivation(c, s.recurrent_activation);
  const value =
    op === "RNN" ? [own] : op === "GRU" ? [gates(), own] : [gates(), own, own];
  return { kind: "strings", value };
}

export const recurrentLayers: ImporterTable = {
  SimpleRNN: recurrent({ op: "RNN", order: [0] }),
  // Update, reset, candidate; the same in both.
  GRU: recurrent({ op: "GRU", order: [0, 1, 2] }),
  // Keras: input, forget, cell, output; ONNX: input, output, forget, cell.
  LSTM: recurrent({ op: "LSTM", order: [0, 3, 1, 2] }),
};
