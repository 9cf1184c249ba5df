import { AssayError } from "#core";
import { attribute, describeNode, type Node } from "./graph.ts";
import { type FloatTensor, floats } from "./tensor.ts";

/** How the positions of one axis of the output lie on the input. */
export interface ResizeAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** Part of the input that tf_crop_and_resize looks at, as shares of it. */
  readonly crop: readonly [number, number];
}

/**
 * The matrix [outputs, inputs] of resizing one axis, which Resize applies to each
 * apart. Throws ONNX_ATTRIBUTE for a mode that ONNX does not have.
 */
export function resizingMap(node: Node, axis: ResizeAxis): FloatTensor {
  const { from, to } = axis;
  const mode = attribute(node, "mode", "string", "nearest");
  const map = new Float32Array(to * from);
  for (let o = 0; o < to; o++) {
    const at = position(node, o, axis);
    for (const [index, weight] of taps(node, mode, at, axis))
      map[o * from + index] = (map[o * from + index] ?? 0) + weight;
  }
  return floats([to, from], map);
}

const f32 = Math.fround;

/**
 * Where output `o` lies on the input, by `coordinate_transformation_mode`; in single
 * precision, which decides ties as onnxruntime does.
 */
function position(
  node: Node,
  o: number,
  { from, to, scale, crop }: ResizeAxis,
) {
  const mode = attribute(
    node,
    "coordinate_transformation_mode",
    "string",
    "half_pixel",
  );
  switch (mode) {
    case "half_pixel":
      return f32(f32((o + 0.5) / scale) - 0.5);
    case "half_pixel_symmetric": {
      const adjustment = f32(to / f32(scale * from));
      const offset = f32((from / 2) * f32(1 - adjustment));
      return f32(f32(offset + f32((o + 0.5) / scale)) - 0.5);
    }
    case "pytorch_half_pixel":
      return to > 1 ? f32(f32((o + 0.5) / scale) - 0.5) : 0;
    case "align_corners":
      return to === 1 ? 0 : f32((o * (from - 1)) / (to - 1));
    case "asymmetric":
      return f32(o / scale);
    case "tf_half_pixel_for_nn":
      return f32((o + 0.5) / scale);
    case "tf_crop_and_resize": {
      const [start, end] = crop;
      return to > 1
        ? start * (from - 1) + (o * (end - start) * (from - 1)) / (to - 1)
        : 0.5 * (start + end) * (from - 1);
    }
  }
  throw new AssayError(
    "ONNX_ATTRIBUTE",
    `${describeNode(node)} has the coordinate_transformation_mode "${mode}", which is not known`,
    "Export the model with half_pixel, align_corners or asymmetric.",
  );
}

type Tap = readonly [index: number, weight: number];

/** Which inputs an output is made of, and how much of each. */
function taps(node: Node, mode: string, at: number, axis: ResizeAxis): Tap[] {
  const { from, scale } = axis;
  const crops =
    attribute(node, "coordinate_transformation_mode", "string", "") ===
    "tf_crop_and_resize";
  // Outside the input is a constant.
  if (crops && (at < 0 || at > from - 1)) return [];
  const inside = (i: number) => Math.min(Math.max(i, 0), from - 1);
  if (mode === "nearest") return [[inside(nearest(node, at)), 1]];
  const a = attribute(node, "cubic_coeff_a", "float", -0.75);
  const smooth = mode === "cubic";
  const filter = smooth ? cubic(a) : triangle;
  const excludes = attribute(node, "exclude_outside", "int", 0) === 1;
  if (attribute(node, "antialias", "int", 0) === 1 && scale < 1)
    return antialiased(filter, smooth ? 2 : 1, at, axis, excludes);
  if (!smooth) {
    // Beyond the ends is the end.
    const point = Math.min(Math.max(at, 0), from - 1);
    const low = Math.floor(point);
    return [
      [low, 1 - (point - low)],
      [inside(low + 1), point - low],
    ];
  }
  const low = Math.floor(at);
  const four = [-1, 0, 1, 2].map((k): Tap => [low + k, filter(at - low - k)]);
  if (!excludes) return four.map(([i, w]): Tap => [inside(i), w]);
  return normalised(four.filter(([i]) => i >= 0 && i < from));
}

function nearest(node: Node, at: number): number {
  switch (attribute(node, "nearest_mode", "string", "round_prefer_floor")) {
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    default:
      return Math.ceil(at - 0.5);
  }
}

const triangle = (t: number) => Math.max(0, 1 - Math.abs(t));

/** Keys 1981, with his parameter a. */
const cubic = (a: number) => (t: number) => {
  const d = Math.abs(t);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
};

/**
 * The filter stretched over all inputs that an output covers; beyond the ends is the
 * end, unless that is excluded.
 */
function antialiased(
  filter: (t: number) => number,
  reach: number,
  at: number,
  { from, scale }: ResizeAxis,
  excludes: boolean,
): Tap[] {
  const centre = at + 0.5;
  const support = reach / scale;
  const first = Math.floor(centre - support + 0.5);
  const last = Math.floor(centre + support + 0.5);
  const covered: Tap[] = [];
  for (let i = first; i < last; i++)
    covered.push([i, filter((i - centre + 0.5) * scale)]);
  if (excludes) return normalised(covered.filter(([i]) => i >= 0 && i < from));
  return normalised(covered).map(
    ([i, w]): Tap => [Math.min(Math.max(i, 0), from - 1), w],
  );
}

function normalised(found: readonly Tap[]): Tap[] {
  const sum = found.reduce((s, [, w]) => s + w, 0);
  return found.map(([i, w]): Tap => [i, w / sum]);
}
