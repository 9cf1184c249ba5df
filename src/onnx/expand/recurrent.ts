import type { GraphBuilder } from "../builder.ts";
import { attribute, float, int, type Node } from "../graph.ts";
import { stepsOf } from "./control-flow.ts";
import {
  cannotExpand,
  type ExpandContext,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

type Activation = (x: string) => string;

/**
 * Everything a cell needs of one direction. R and biases are of this direction,
 * transposed for `h R`.
 */
interface Direction {
  readonly b: GraphBuilder;
  readonly node: Node;
  readonly hidden: number;
  readonly activations: readonly Activation[];
  /** [hidden, gates * hidden] */
  readonly recurrence: string;
  /** [gates * hidden], "" when there are none. */
  readonly recurrenceBias: string;
  /** [3 * hidden], "" when there are none; LSTM only. */
  readonly peepholes: string;
  readonly clip: (x: string) => string;
}

/**
 * One step: the part of the gates that comes from the input ([N, gates * hidden]), and
 * the states before it, to the states after it.
 */
type Cell = (
  direction: Direction,
  gates: string,
  state: readonly string[],
) => string[];

/** The default activations of a direction, and how many gates the cell has. */
interface Kind {
  readonly gates: number;
  readonly defaults: readonly string[];
  readonly cell: Cell;
  /** Inputs of initial states: h, and c for LSTM. */
  readonly states: readonly number[];
  /** Whether the recurrent bias is added to the input's part at once. */
  readonly sharesBias: boolean;
}

/**
 * Recurrent layers, step by step (ONNX RNN, GRU and LSTM with all attributes).
 * The products with the input are one product for the whole sequence.
 */
const recurrent =
  (kind: Kind): Expansion =>
  (context) => {
    const { b, node, inputs } = context;
    const way = attribute(node, "direction", "string", "forward");
    const batchFirst = attribute(node, "layout", "int", 0) === 1;
    const [first = "", weights = ""] = inputs;
    const x = batchFirst ? b.transpose(first, [1, 0, 2]) : first;
    const steps = stepsOf(context, x, 0).length;
    const results = (
      way === "bidirectional" ? [false, true] : [way === "reverse"]
    ).map((backwards, d) =>
      alongSequence(context, kind, {
        x,
        steps,
        backwards,
        at: d,
        batchFirst,
        weights,
      }),
    );
    // Y is [steps, directions, batch, hidden].
    const y = b.concat(
      results.map((r) => b.unsqueeze(r.sequence, [1])),
      1,
    );
    const last = kind.states.map((_, s) =>
      b.concat(
        results.map((r) => b.unsqueeze(r.last[s]!, [0])),
        0,
      ),
    );
    return batchFirst
      ? [
          b.transpose(y, [2, 0, 1, 3]),
          ...last.map((s) => b.transpose(s, [1, 0, 2])),
        ]
      : [y, ...last];
  };

interface Pass {
  readonly x: string;
  readonly steps: number;
  readonly backwards: boolean;
  /** Which direction of the weights. */
  readonly at: number;
  readonly batchFirst: boolean;
  readonly weights: string;
}

/**
 * One direction: its outputs [steps, batch, hidden], and its states
 * after the last step.
 */
function alongSequence(
  context: ExpandContext,
  kind: Kind,
  { x, steps, backwards, at, batchFirst, weights }: Pass,
): { sequence: string; last: string[] } {
  const { b, node, inputs } = context;
  const hidden = hiddenSize(context);
  const width = kind.gates * hidden;
  const part = (name: string | undefined) =>
    name ? b.squeeze(b.slice(name, [at], [at + 1], [0]), [0]) : "";
  const biases = part(inputs[3]);
  const inputBias = biases && b.slice(biases, [0], [width], [0]);
  const recurrenceBias = biases && b.slice(biases, [width], [2 * width], [0]);
  const direction: Direction = {
    b,
    node,
    hidden,
    activations: activationsOf(b, node, kind, at),
    recurrence: b.transpose(part(inputs[2]), [1, 0]),
    recurrenceBias,
    peepholes: part(inputs[7]),
    clip: clipOf(b, node),
  };
  let projected = b.matmul(x, b.transpose(part(weights), [1, 0]));
  if (inputBias) projected = b.add(projected, inputBias);
  if (recurrenceBias && kind.sharesBias)
    projected = b.add(projected, recurrenceBias);
  const gates = stepsOf(context, projected, 0);
  const lengths = inputs[4];

  let state = kind.states.map((input) => {
    const given = inputs[input];
    if (!given) return zeroState(b, x, hidden);
    return batchFirst
      ? b.squeeze(b.slice(given, [at], [at + 1], [1]), [1])
      : part(given);
  });
  const outputs: string[] = new Array(steps).fill("");
  const order = Array.from({ length: steps }, (_, i) =>
    backwards ? steps - 1 - i : i,
  );
  for (const t of order) {
    const next = kind.cell(direction, gates[t]!, state);
    const [h = ""] = next;
    if (lengths) {
      // Beyond the end of its sequence a sample keeps its state, and puts out zero.
      const going = b.unsqueeze(b.greater(lengths, t), [1]);
      state = next.map((s, i) => b.where(going, s, state[i]!));
      outputs[t] = b.where(going, h, 0);
    } else {
      state = next;
      outputs[t] = h;
    }
  }
  return {
    sequence: b.concat(
      outputs.map((h) => b.unsqueeze(h, [0])),
      0,
    ),
    last: state,
  };
}

/** Zeros [batch, hidden]. */
function zeroState(b: GraphBuilder, x: string, hidden: number): string {
  const batch = b.dims(x)?.[1];
  const shape =
    typeof batch === "number"
      ? b.ints([batch, hidden])
      : b.concat([b.slice(b.shapeOf(x), [1], [2], [0]), b.ints([hidden])], 0);
  return b.zeros(shape, x);
}

function hiddenSize({ b, node, inputs }: ExpandContext): number {
  const size =
    attribute(node, "hidden_size", "int", undefined) ??
    b.rankedDims(inputs[2] ?? "")[2];
  if (typeof size === "number") return size;
  throw cannotExpand(
    node,
    "its hidden size is not known",
    "Export the model with constant weights.",
  );
}

function clipOf(b: GraphBuilder, node: Node): (x: string) => string {
  const limit = attribute(node, "clip", "float", undefined);
  return limit === undefined
    ? (x) => x
    : (x) => b.op("Clip", [x, b.scalar(-limit), b.scalar(limit)]);
}

/**
 * Recurrent activations, by lower-case name, with the defaults of their
 * attributes alpha and beta.
 */
const activationTable: Readonly<
  Record<
    string,
    {
      readonly alpha?: number;
      readonly beta?: number;
      apply(b: GraphBuilder, x: string, alpha: number, beta: number): string;
    }
  >
> = {
  sigmoid: { apply: (b, x) => b.sigmoid(x) },
  tanh: { apply: (b, x) => b.op("Tanh", [x]) },
  relu: { apply: (b, x) => b.op("Relu", [x]) },
  softsign: { apply: (b, x) => b.op("Softsign", [x]) },
  softplus: { apply: (b, x) => b.op("Softplus", [x]) },
  // The standard names no defaults for these two; onnxruntime takes 0.
  affine: {
    alpha: 0,
    beta: 0,
    apply: (b, x, alpha, beta) => b.add(b.mul(x, alpha), beta),
  },
  leakyrelu: {
    alpha: 0.01,
    apply: (b, x, alpha) => b.op("LeakyRelu", [x], { alpha: float(alpha) }),
  },
  thresholdedrelu: {
    alpha: 1,
    apply: (b, x, alpha) =>
      b.op("ThresholdedRelu", [x], { alpha: float(alpha) }),
  },
  elu: {
    alpha: 1,
    apply: (b, x, alpha) => b.op("Elu", [x], { alpha: float(alpha) }),
  },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    apply: (b, x, alpha, beta) =>
      b.op("HardSigmoid", [x], { alpha: float(alpha), beta: float(beta) }),
  },
  scaledtanh: {
    alpha: 0,
    beta: 0,
    apply: (b, x, alpha, beta) => b.mul(b.op("Tanh", [b.mul(x, beta)]), alpha),
  },
};

/**
 * The activations of direction `at`. Their alphas and betas are listed only for
 * those that have them.
 */
function activationsOf(
  b: GraphBuilder,
  node: Node,
  kind: Kind,
  at: number,
): Activation[] {
  const count = kind.defaults.length;
  const names = attribute(node, "activations", "strings", []);
  const alphas = [...attribute(node, "activation_alpha", "floats", [])];
  const betas = [...attribute(node, "activation_beta", "floats", [])];
  const all = Array.from(
    { length: Math.max(names.length, (at + 1) * count) },
    (_, i) => {
      const name = (names[i] ?? kind.defaults[i % count]!).toLowerCase();
      const found = Object.hasOwn(activationTable, name)
        ? activationTable[name]
        : undefined;
      if (!found) {
        throw cannotExpand(
          node,
          `its activation "${name}" is not known`,
          "Export the model with standard activations.",
        );
      }
      const alpha =
        found.alpha === undefined ? 0 : (alphas.shift() ?? found.alpha);
      const beta = found.beta === undefined ? 0 : (betas.shift() ?? found.beta);
      return (x: string) => found.apply(b, x, alpha, beta);
    },
  );
  return all.slice(at * count, (at + 1) * count);
}

/** The gates [N, gates * hidden] as `gates` values [N, hidden]. */
function apart(b: GraphBuilder, gates: string, count: number, hidden: number) {
  return b.many(
    "Split",
    [gates, b.ints(new Array<number>(count).fill(hidden))],
    { axis: int(1) },
    count,
  ) as [string, string, string, string];
}

const rnnCell: Cell = (d, gates, [h = ""]) => {
  const { b, activations } = d;
  const sum = b.add(gates, b.matmul(h, d.recurrence));
  return [activations[0]?.(d.clip(sum)) as string];
};

/** Gates in the order z, r, h (update, reset, new). */
const gruCell: Cell = (d, gates, [h = ""]) => {
  const { b, hidden, recurrence, activations, clip } = d;
  const [f, g] = activations as [Activation, Activation];
  const columns = (from: number, to: number) =>
    b.slice(recurrence, [from * hidden], [to * hidden], [1]);
  const bias = (from: number, to: number) =>
    d.recurrenceBias &&
    b.slice(d.recurrenceBias, [from * hidden], [to * hidden], [0]);
  const plus = (x: string, y: string) => (y ? b.add(x, y) : x);
  const [xz, xr, xh] = apart(b, gates, 3, hidden);
  if (attribute(d.node, "linear_before_reset", "int", 0) !== 0) {
    const all = plus(b.matmul(h, recurrence), d.recurrenceBias);
    const [hz, hr, hh] = apart(b, all, 3, hidden);
    const z = f(clip(b.add(xz, hz)));
    const r = f(clip(b.add(xr, hr)));
    const fresh = g(clip(b.add(xh, b.mul(r, hh))));
    return [b.add(b.mul(b.sub(1, z), fresh), b.mul(z, h))];
  }
  const both = plus(b.matmul(h, columns(0, 2)), bias(0, 2));
  const [hz, hr] = apart(b, both, 2, hidden);
  const z = f(clip(b.add(xz, hz)));
  const r = f(clip(b.add(xr, hr)));
  const reset = plus(b.matmul(b.mul(r, h), columns(2, 3)), bias(2, 3));
  const fresh = g(clip(b.add(xh, reset)));
  return [b.add(b.mul(b.sub(1, z), fresh), b.mul(z, h))];
};

/** Gates in the order i, o, f, c (input, output, forget, cell). */
const lstmCell: Cell = (d, gates, [h = "", c = ""]) => {
  const { b, hidden, activations, clip } = d;
  const [f, g, out] = activations as [Activation, Activation, Activation];
  const sum = b.add(gates, b.matmul(h, d.recurrence));
  const [xi, xo, xf, xc] = apart(b, sum, 4, hidden);
  const peep = (gate: string, at: number, cell: string) =>
    d.peepholes
      ? b.add(
          gate,
          b.mul(
            b.slice(d.peepholes, [at * hidden], [(at + 1) * hidden], [0]),
            cell,
          ),
        )
      : gate;
  const i = f(clip(peep(xi, 0, c)));
  const forget =
    attribute(d.node, "input_forget", "int", 0) !== 0
      ? b.sub(1, i)
      : f(clip(peep(xf, 2, c)));
  const cell = b.add(b.mul(forget, c), b.mul(i, g(clip(xc))));
  const o = f(clip(peep(xo, 1, cell)));
  return [b.mul(o, out(cell)), cell];
};

export const recurrentLayers: ExpansionTable = {
  RNN: recurrent({
    gates: 1,
    defaults: ["Tanh"],
    cell: rnnCell,
    states: [5],
    sharesBias: true,
  }),
  GRU: recurrent({
    gates: 3,
    defaults: ["Sigmoid", "Tanh"],
    cell: gruCell,
    states: [5],
    sharesBias: false,
  }),
  LSTM: recurrent({
    gates: 4,
    defaults: ["Sigmoid", "Tanh", "Tanh"],
    cell: lstmCell,
    states: [5, 6],
    sharesBias: true,
  }),
};
