import type { FloatTensor } from "#onnx";

/** logits = W x + b */
export interface Linear {
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

const five: Linear = {
  weights: [
    [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
    [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
    [0.2, 0.3, 1.0, -1.1, 0.6, 0.1],
    [-0.7, -0.2, 0.5, 0.9, 0.3, 0.8],
    [0.1, 0.1, -0.9, 0.4, 0.4, -0.3],
  ],
  bias: [0.1, -0.05, 0, -0.2, 0.1],
};

/** A classifier of 2 to 5 classes of rows of 6 numbers. */
export const linearOf = (classes: number): Linear => ({
  weights: five.weights.slice(0, classes),
  bias: five.bias.slice(0, classes),
});

const dotted = (w: readonly number[], x: ArrayLike<number>) =>
  w.reduce((sum, v, i) => sum + v * x[i]!, 0);

/** The class of each row. */
export function labelsOf({ weights, bias }: Linear, x: FloatTensor) {
  const [n = 0, width = 0] = x.dims;
  return Int32Array.from({ length: n }, (_, i) => {
    const row = x.data.subarray(i * width, (i + 1) * width);
    const z = weights.map((w, k) => dotted(w, row) + bias[k]!);
    return z.indexOf(Math.max(...z));
  });
}

/**
 * How far each row is from the nearest other class, in closed form; within the bounds
 * where there are any.
 */
export function nearestOf(
  norm: "l2" | "linf" | "l1" | "l0",
  { weights, bias }: Linear,
  x: FloatTensor,
  y: Int32Array,
  bounds: readonly [number, number] = [-1e9, 1e9],
): number[] {
  const width = x.dims[1] ?? 0;
  return Array.from(y, (label, i) => {
    const row = Array.from(x.data.subarray(i * width, (i + 1) * width));
    const own = weights[label]!;
    return Math.min(
      ...weights.flatMap((w, k) => {
        if (k === label) return [];
        const normal = w.map((v, j) => v - own[j]!);
        const gap = -dotted(normal, row) - bias[k]! + bias[label]!;
        const room = row.map((v, j) =>
          normal[j]! > 0 ? bounds[1] - v : v - bounds[0],
        );
        return [shortest(norm, normal.map(Math.abs), room, gap)];
      }),
    );
  });
}

/** The least length of d with 0 <= d <= room and w d = gap, for w >= 0. */
function shortest(
  norm: "l2" | "linf" | "l1" | "l0",
  w: readonly number[],
  room: readonly number[],
  gap: number,
): number {
  const full = dotted(w, room);
  if (full < gap) return Number.POSITIVE_INFINITY;
  if (norm === "l1" || norm === "l0") {
    // The number that helps most first: by its weight, or by all that it can do.
    const gain = (j: number) => w[j]! * (norm === "l0" ? room[j]! : 1);
    const order = Array.from(w.keys()).sort((a, b) => gain(b) - gain(a));
    let left = gap;
    let length = 0;
    for (const j of order) {
      if (left <= 0) break;
      const used = Math.min(room[j]!, left / w[j]!);
      length += norm === "l0" ? 1 : used;
      left -= used * w[j]!;
    }
    return length;
  }
  const change = (t: number) =>
    w.map((v, j) => Math.min(room[j]!, norm === "l2" ? t * v : t));
  let [low, high] = [0, 1];
  while (dotted(w, change(high)) < gap) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (dotted(w, change(middle)) < gap) low = middle;
    else high = middle;
  }
  const d = change(high);
  return norm === "l2" ? Math.hypot(...d) : Math.max(...d);
}

/** The most that a linear function rises within eps of a point and inside [0, 1]. */
export function highestRise(
  norm: "l2" | "linf" | "l1",
  slopes: readonly number[],
  point: readonly number[],
  eps: number,
): number {
  const w = slopes.map(Math.abs);
  const room = slopes.map((v, j) => (v > 0 ? 1 - point[j]! : point[j]!));
  if (norm === "l1") {
    let left = eps;
    let rise = 0;
    for (const j of Array.from(w.keys()).sort((a, b) => w[b]! - w[a]!)) {
      const used = Math.min(room[j]!, left);
      left -= used;
      rise += used * w[j]!;
    }
    return rise;
  }
  if (norm === "linf")
    return dotted(
      w,
      room.map((v) => Math.min(v, eps)),
    );
  const change = (t: number) => w.map((v, j) => Math.min(room[j]!, t * v));
  let [low, high] = [0, 1];
  while (Math.hypot(...change(high)) < eps && high < 1e9) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (Math.hypot(...change(middle)) < eps) low = middle;
    else high = middle;
  }
  return dotted(w, change(high));
}
