import { attribute, axisOf, sizeOf } from "#onnx";
import {
  cannotRun,
  contents,
  coordinates,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  partsOf,
  range,
  select,
  stridesOf,
  type TfTensor,
} from "../kernel.ts";
import { addAt, pick } from "../picking.ts";
import { isWhole, linesAlong, wholeOutput } from "../whole.ts";
import { alongLast } from "./activations.ts";
import { sharedExtremum } from "./elementwise.ts";
import { blocksOf, positionsAlong, within } from "./indexing.ts";

type T = TfTensor;

/** Puts updates at positions of data, the later one where two meet. */
function replace(c: KernelContext, data: T, updates: T, at: number[]): T {
  const sources = range(data.size);
  at.forEach((to, i) => {
    sources[to] = data.size + i;
  });
  const { tf } = c;
  const bool = data.dtype === "bool";
  const flat = (t: T) => tf.reshape(bool ? tf.cast(t, "int32") : t, [-1]);
  const all = tf.concat([flat(data), flat(updates)]);
  return tf.cast(pick(tf, all, sources, data.shape), data.dtype);
}

/** Combines data with the updates that meet at each place, one after another. */
function combine(
  c: KernelContext,
  data: T,
  updates: T,
  at: number[],
  neutral: number,
  f: (x: T, y: T) => T,
): T {
  const { tf } = c;
  const seen = new Map<number, number>();
  const rounds: { to: number; from: number }[][] = [];
  at.forEach((to, from) => {
    const round = seen.get(to) ?? 0;
    seen.set(to, round + 1);
    rounds[round] ??= [];
    rounds[round].push({ to, from });
  });
  return rounds.reduce((y, round) => {
    const filled = tf.concat([
      tf.reshape(updates, [-1]),
      tf.tensor1d([neutral], data.dtype as "float32"),
    ]);
    const sources = new Array<number>(data.size).fill(updates.size);
    for (const { to, from } of round) sources[to] = from;
    return f(y, pick(tf, filled, sources, data.shape));
  }, data);
}

function scattered(c: KernelContext, data: T, updates: T, at: number[]): T {
  const { tf, node } = c;
  const by = attribute(node, "reduction", "string", "none");
  switch (by) {
    case "none":
      return replace(c, data, updates, at);
    case "add":
      return tf.add(data, addAt(tf, updates, at, data.shape));
    case "mul":
      return combine(c, data, updates, at, 1, (x, y) => tf.mul(x, y));
    case "max":
      return extreme(c, data, updates, at, Number.NEGATIVE_INFINITY);
    case "min":
      return extreme(c, data, updates, at, Number.POSITIVE_INFINITY);
  }
  throw cannotRun(node, `its reduction "${by}" is not known`);
}

const extreme = (
  c: KernelContext,
  data: T,
  updates: T,
  at: number[],
  neutral: number,
) =>
  combine(c, data, updates, at, neutral, (x, y) =>
    sharedExtremum(c.tf, [x, y], (p, q) =>
      neutral < 0 ? c.tf.maximum(p, q) : c.tf.minimum(p, q),
    ),
  );

const scatterElements: Kernel = (c) => {
  const [data, indices, updates] = [input(c, 0), input(c, 1), input(c, 2)];
  const axis = axisOf(attribute(c.node, "axis", "int", 0), data.shape.length);
  return scattered(
    c,
    data,
    updates,
    positionsAlong(c, indices, data.shape, axis),
  );
};

const scatterND: Kernel = (c) => {
  const [data, indices, updates] = [input(c, 0), input(c, 1), input(c, 2)];
  const { starts, length } = blocksOf(c, indices, data.shape, 0);
  return scattered(c, data, updates, within(starts, length));
};

/** Writes a sequence into a cache along an axis, from where each sample says. */
const tensorScatter: Kernel = (c) => {
  const [cache, update] = [input(c, 0), input(c, 1)];
  const axis = axisOf(attribute(c.node, "axis", "int", -2), cache.shape.length);
  const circular = attribute(c.node, "mode", "string", "linear") === "circular";
  const starts = contents(c, 2);
  const length = cache.shape[axis] ?? 1;
  const own = stridesOf(update.shape);
  const strides = stridesOf(cache.shape);
  const at = range(update.size).map((i) => {
    const place = coordinates(i, own);
    const to = (place[axis] ?? 0) + (starts?.[place[0] ?? 0] ?? 0);
    place[axis] = circular ? to % length : to;
    return place.reduce((s, p, k) => s + p * strides[k]!, 0);
  });
  return replace(c, cache, update, at);
};

/** Back to where MaxPool found each maximum. */
const maxUnpool: Kernel = (c) => {
  const x = input(c, 0);
  const dims = contents(c, 2);
  if (!dims) throw cannotRun(c.node, "it does not state its output shape");
  return addAt(c.tf, x, contents(c, 1) ?? [], dims);
};

/** log-likelihood of labels, weighted and averaged as the operator says. */
function likelihood(c: KernelContext, logs: T): T {
  const { tf, node } = c;
  const labels = input(c, 1);
  const ignored = attribute(node, "ignore_index", "int", undefined);
  const by = attribute(node, "reduction", "string", "mean");
  const [n = 1, classes = 1, ...more] = logs.shape;
  const inner = sizeOf(more);
  const values = Array.from(labels.dataSync());
  const used = values.map((v) => Number(v !== ignored));
  const picked = values.map((v, i) => (used[i] ? v : 0));
  const chosen = pick(
    tf,
    logs,
    picked.map(
      (v, i) => (Math.floor(i / inner) * classes + v) * inner + (i % inner),
    ),
    [n, ...more],
  );
  const mask = tf.tensor(used, [n, ...more], "float32");
  const given = c.x[2];
  const weights = given
    ? tf.mul(mask, pick(tf, given, picked, [n, ...more]))
    : mask;
  // What is ignored may be infinite.
  const safe = select(tf, tf.cast(mask, "bool"), chosen, tf.zerosLike(chosen));
  const loss = tf.neg(tf.mul(safe, weights));
  if (by === "none") return loss;
  return by === "sum" ? tf.sum(loss) : tf.div(tf.sum(loss), tf.sum(weights));
}

const softmaxLoss: Kernel = (c) => {
  const { tf } = c;
  const x = input(c, 0);
  const order = range(x.shape.length).filter((i) => i !== 1);
  const last = [...order, 1];
  const back = range(x.shape.length).map((i) => last.indexOf(i));
  const logs = tf.transpose(tf.logSoftmax(tf.transpose(x, last)), back);
  return [likelihood(c, logs), logs];
};

export const scatter: KernelTable = {
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TensorScatter: tensorScatter,
  MaxUnpool: maxUnpool,
  NegativeLogLikelihoodLoss: (c) => likelihood(c, input(c, 0)),
  SoftmaxCrossEntropyLoss: softmaxLoss,
};

/** A product of all before, by products, whose gradient is right at zeros too. */
const cumProd: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const axis = axisOf(contents(c, 1)?.[0] ?? 0, x.shape.length);
  const reverse = attribute(node, "reverse", "int", 0) === 1;
  const exclusive = attribute(node, "exclusive", "int", 0) === 1;
  const parts = partsOf(tf, x, x.shape[axis] ?? 1, axis);
  // The tape holds the list of parts itself.
  const inOrder = reverse ? [...parts].reverse() : parts;
  let product: T = tf.ones(parts[0]?.shape ?? [], x.dtype as "float32");
  const done = inOrder.map((part) => {
    const before = product;
    product = tf.mul(product, part);
    return exclusive ? before : product;
  });
  return tf.concat(reverse ? done.reverse() : done, axis);
};

/** Running sums of integers along an axis. */
function wholeCumSum(
  c: KernelContext,
  x: T,
  axis: number,
  { exclusive, reverse }: { exclusive: boolean; reverse: boolean },
): T {
  const data = x.dataSync();
  const sums = new Array<number>(x.size);
  for (const { positions } of linesAlong(x.shape, axis)) {
    let sum = 0;
    for (const at of reverse ? [...positions].reverse() : positions) {
      const before = sum;
      sum += data[at] ?? 0;
      sums[at] = exclusive ? before : sum;
    }
  }
  return wholeOutput(c, sums, x.shape);
}

const cumSum: Kernel = (c) => {
  const exclusive = attribute(c.node, "exclusive", "int", 0) === 1;
  const reverse = attribute(c.node, "reverse", "int", 0) === 1;
  const axis = contents(c, 1)?.[0] ?? 0;
  if (isWhole(c.outTypes[0]) && input(c, 0).dtype === "int32")
    return wholeCumSum(c, input(c, 0), axis, { exclusive, reverse });
  // The gradient that TensorFlow.js has along another axis than the last is of
  // the wrong shape.
  return alongLast(c.tf, input(c, 0), axis, (x) =>
    c.tf.cumsum(x, x.shape.length - 1, exclusive, reverse),
  );
};

export const running: KernelTable = { CumSum: cumSum, CumProd: cumProd };
