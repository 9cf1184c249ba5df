import { attribute, sizeOf, type Window, windowOf, windowOutput } from "#onnx";
import {
  coordinates,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  range,
  select,
  stridesOf,
  type TensorFlow,
  type TfTensor,
  untaped,
} from "../kernel.ts";
import { takeAlong } from "../picking.ts";
import { maximumOver } from "./reductions.ts";

type T = TfTensor;

/** A window over an image, with the sizes of what comes out. */
interface Geometry extends Window {
  readonly input: readonly number[];
  readonly output: readonly number[];
}

function geometryOf(c: KernelContext, x: T): Geometry {
  const spatial = x.shape.slice(2);
  const window = windowOf(c.node, spatial);
  return {
    ...window,
    input: spatial,
    output: windowOutput(window, spatial) as number[],
  };
}

/** x with a border, so long that the last window just fits. */
function bordered(tf: TensorFlow, x: T, s: Geometry, value: number): T {
  const pads = s.input.map((length, i): [number, number] => {
    const extent = ((s.kernel[i] ?? 1) - 1) * (s.dilations[i] ?? 1) + 1;
    const needed = ((s.output[i] ?? 1) - 1) * (s.strides[i] ?? 1) + extent;
    const before = s.padsBegin[i] ?? 0;
    return [before, Math.max(0, needed - length - before)];
  });
  return pads.every(([p, q]) => p === 0 && q === 0)
    ? x
    : tf.pad(x, [[0, 0], [0, 0], ...pads], value);
}

/** For every place in the kernel, what the windows see there, [N, C, ...output]. */
function taps(
  tf: TensorFlow,
  x: T,
  s: Geometry,
): { offset: number[]; seen: T }[] {
  const strides = stridesOf(s.kernel);
  return range(sizeOf(s.kernel)).map((k) => {
    const offset = coordinates(k, strides).map(
      (o, i) => o * (s.dilations[i] ?? 1),
    );
    const seen = s.output.reduce(
      (y, count, i) =>
        takeAlong(
          tf,
          y,
          i + 2,
          range(count).map((o) => (offset[i] ?? 0) + o * (s.strides[i] ?? 1)),
        ),
      x,
    );
    return { offset, seen };
  });
}

const isPlain = (s: Geometry) =>
  s.kernel.length <= 2 && s.dilations.every((d) => d === 1);

/** A pooling of TensorFlow.js over an image with channels last. */
function pooled(
  tf: TensorFlow,
  x: T,
  s: Geometry,
  pool: (x: T, size: [number, number], strides: [number, number]) => T,
): T {
  const one = s.kernel.length === 1;
  const image = tf.transpose(one ? tf.expandDims(x, 3) : x, [0, 2, 3, 1]);
  const y = pool(
    image,
    [s.kernel[0] ?? 1, s.kernel[1] ?? 1],
    [s.strides[0] ?? 1, s.strides[1] ?? 1],
  );
  const first = tf.transpose(y, [0, 3, 1, 2]);
  return one ? tf.squeeze(first, [3]) : first;
}

const maxPool: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const s = geometryOf(c, x);
  const wide = bordered(tf, x, s, Number.NEGATIVE_INFINITY);
  if (isPlain(s) && !node.outputs[1])
    return pooled(tf, wide, s, (image, size, strides) =>
      tf.maxPool(image as never, size, strides, "valid"),
    );
  // One after another, so that the first of several that tie wins.
  const places = node.outputs[1] ? positions(c, x, s) : undefined;
  let best: T | undefined;
  let found: T | undefined;
  for (const { offset, seen } of taps(tf, wide, s)) {
    const place = places?.(offset);
    if (!best) {
      [best, found] = [seen, place];
      continue;
    }
    const before = best;
    const wins = untaped(tf, () => tf.greater(seen, before));
    best = select(tf, wins, seen, before);
    if (place && found) found = select(tf, wins, place, found);
  }
  return [best as T, found];
};

/** The row-major positions of what all windows see at a place in the kernel. */
function positions(c: KernelContext, x: T, s: Geometry) {
  const { tf } = c;
  const [n = 1, channels = 1] = x.shape;
  const area = sizeOf(s.input);
  // Along the columns first, when asked for.
  const byColumns = attribute(c.node, "storage_order", "int", 0) === 1;
  const steps = byColumns
    ? stridesOf([...s.input].reverse()).reverse()
    : stridesOf(s.input);
  const strides = stridesOf(s.output);
  const planes = tf.reshape(
    tf.tensor1d(
      range(n * channels).map((i) => i * area),
      "int32",
    ),
    [n, channels, ...s.output.map(() => 1)],
  );
  return (offset: readonly number[]) => {
    const plane = range(sizeOf(s.output)).map((i) =>
      coordinates(i, strides).reduce(
        (sum, o, axis) =>
          sum +
          steps[axis]! *
            (o * (s.strides[axis] ?? 1) +
              (offset[axis] ?? 0) -
              (s.padsBegin[axis] ?? 0)),
        0,
      ),
    );
    return tf.add(planes, tf.tensor(plane, [...s.output], "int32"));
  };
}

/** How many elements each window averages over, in the shape of the output. */
function counts(tf: TensorFlow, s: Geometry, countPadding: boolean): T {
  return s.output
    .map((count, axis) => {
      const along = range(count).map((o) => {
        const begin = o * (s.strides[axis] ?? 1) - (s.padsBegin[axis] ?? 0);
        const places = range(s.kernel[axis] ?? 1).map(
          (k) => begin + k * (s.dilations[axis] ?? 1),
        );
        const length = s.input[axis] ?? 1;
        // What ceil mode adds beyond the padding never counts.
        return places.filter((at) =>
          countPadding
            ? at < length + (s.padsEnd[axis] ?? 0)
            : at >= 0 && at < length,
        ).length;
      });
      return tf.reshape(
        tf.tensor1d(along),
        s.output.map((_, i) => (i === axis ? count : 1)),
      );
    })
    .reduce((p, q) => tf.mul(p, q));
}

/** The sum over each window. */
function sums(tf: TensorFlow, x: T, s: Geometry): T {
  const wide = bordered(tf, x, s, 0);
  return isPlain(s)
    ? tf.mul(
        pooled(tf, wide, s, (image, size, strides) =>
          tf.avgPool(image as never, size, strides, "valid"),
        ),
        sizeOf(s.kernel),
      )
    : taps(tf, wide, s)
        .map(({ seen }) => seen)
        .reduce((p, q) => tf.add(p, q));
}

const averagePool: Kernel = (c) => {
  const x = input(c, 0);
  const s = geometryOf(c, x);
  const padding = attribute(c.node, "count_include_pad", "int", 0) === 1;
  return c.tf.div(sums(c.tf, x, s), counts(c.tf, s, padding));
};

/** |x|^p and its root, which has no slope at 0. */
function norm(c: KernelContext, over: (powers: T) => T): T {
  const { tf } = c;
  const p = attribute(c.node, "p", "int", 2);
  const x = input(c, 0);
  const size = tf.mul(
    x,
    untaped(tf, () => tf.sign(x)),
  );
  const powers = range(p - 1).reduce<T>((y) => tf.mul(y, size), size);
  const sum = over(powers);
  if (p === 1) return sum;
  const none = untaped(tf, () => tf.equal(sum, 0));
  const safe = select(tf, none, tf.onesLike(sum), sum);
  return select(tf, none, tf.zerosLike(sum), tf.pow(safe, 1 / p));
}

const spatialAxes = (x: T) => range(x.shape.length - 2, 2);

export const pooling: KernelTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: (c) => {
    const s = geometryOf(c, input(c, 0));
    return norm(c, (powers) => sums(c.tf, powers, s));
  },
  GlobalAveragePool: (c) =>
    c.tf.mean(input(c, 0), spatialAxes(input(c, 0)), true),
  GlobalMaxPool: (c) =>
    maximumOver(c.tf, input(c, 0), spatialAxes(input(c, 0))),
  GlobalLpPool: (c) =>
    norm(c, (powers) => c.tf.sum(powers, spatialAxes(powers), true)),
};
