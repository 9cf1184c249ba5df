import { attribute, axisOf } from "#onnx";
import {
  contents,
  input,
  type Kernel,
  type KernelTable,
  range,
  select,
  stretch,
  type TensorFlow,
  type TfTensor,
} from "../kernel.ts";
import { takeAlong } from "../picking.ts";

type T = TfTensor;

/** Begin and size of every axis; crops only. */
const crop = (tf: TensorFlow, x: T, begin: number[], end: number[]) =>
  [...begin, ...end].every((p) => p === 0)
    ? x
    : tf.slice(
        x,
        begin,
        x.shape.map((d, i) => d - (begin[i] ?? 0) - (end[i] ?? 0)),
      );

/** Which element of an axis a padded position repeats. */
function repeated(mode: string, at: number, length: number): number {
  if (mode === "edge") return Math.min(Math.max(at, 0), length - 1);
  if (mode === "wrap") return ((at % length) + length) % length;
  const period = Math.max(1, 2 * (length - 1));
  const folded = ((at % period) + period) % period;
  return Math.min(folded, period - folded);
}

/** Pads with a number, of an operand that may have a gradient. */
export function padded(
  tf: TensorFlow,
  x: T,
  begin: number[],
  end: number[],
  value: T | undefined,
): T {
  const cropped = crop(
    tf,
    x,
    begin.map((p) => Math.max(0, -p)),
    end.map((p) => Math.max(0, -p)),
  );
  const pads = begin.map((p, i): [number, number] => [
    Math.max(0, p),
    Math.max(0, end[i] ?? 0),
  ]);
  if (pads.every(([p, q]) => p === 0 && q === 0)) return tf.clone(cropped);
  const wide = tf.pad(cropped, pads, 0);
  if (!value) return wide;
  const inside = tf.pad(tf.onesLike(tf.cast(cropped, "bool")), pads, 0);
  const filler = stretch(tf, tf.reshape(value, []), wide.shape);
  return select(tf, tf.cast(inside, "bool"), wide, filler);
}

const pad: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const mode = attribute(node, "mode", "string", "constant");
  const pads = contents(c, 1) ?? [];
  const axes = (contents(c, 3) ?? range(x.shape.length)).map((a) =>
    axisOf(a, x.shape.length),
  );
  const begin = x.shape.map(() => 0);
  const end = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    begin[axis] = pads[i] ?? 0;
    end[axis] = pads[i + axes.length] ?? 0;
  });
  if (mode === "constant") return padded(tf, x, begin, end, c.x[2]);
  return x.shape.reduce((y, length, axis) => {
    const [before = 0, after = 0] = [begin[axis], end[axis]];
    if (before === 0 && after === 0) return y;
    // Negative pads crop first. What remains is what is repeated.
    const first = Math.max(0, -before);
    const kept = length - first - Math.max(0, -after);
    return takeAlong(
      tf,
      y,
      axis,
      range(length + before + after).map(
        (o) => first + repeated(mode, o - before - first, kept),
      ),
    );
  }, tf.clone(x));
};

/** Crops or pads at both ends alike. What is odd goes to the end. */
const centerCropPad: Kernel = (c) => {
  const x = input(c, 0);
  const sizes = contents(c, 1) ?? [];
  const axes =
    attribute(c.node, "axes", "ints", undefined)?.map((a) =>
      axisOf(a, x.shape.length),
    ) ?? range(x.shape.length);
  const begin = x.shape.map(() => 0);
  const end = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    const more = (sizes[i] ?? 1) - (x.shape[axis] ?? 1);
    begin[axis] = more < 0 ? -Math.floor(-more / 2) : Math.floor(more / 2);
    end[axis] = more - (begin[axis] ?? 0);
  });
  return padded(c.tf, x, begin, end, undefined);
};

export const padding: KernelTable = {
  Pad: pad,
  CenterCropPad: centerCropPad,
};
