import type { GraphBuilder } from "../builder.ts";
import { fixed } from "../dims.ts";
import { attribute, type Node } from "../graph.ts";
import {
  cannotExpand,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/** One of the inputs that a sampled value is made of, along one axis. */
interface Tap {
  /** Index along the axis, as whole floats within the image. */
  readonly index: string;
  readonly weight: string;
}

/**
 * Sampling an image at the points of a grid (Jaderberg et al. 2015,
 * arXiv:1506.02025), of any number of spatial axes: nearest, linear or cubic,
 * with zeros, the border or reflections outside.
 */
const gridSample: Expansion = ({ b, node, inputs: [x = "", grid = ""] }) => {
  const dims = b.rankedDims(x);
  const sizes = fixed(dims.slice(2));
  const points = fixed(b.rankedDims(grid).slice(1, -1));
  const channels = dims[1];
  if (!sizes || !points || typeof channels !== "number") {
    throw cannotExpand(
      node,
      "the size of the image or of the grid is not known",
      "Export the model with a fixed image size.",
    );
  }
  const rank = sizes.length;
  // The last axis of the grid names coordinates from the last image axis to the first.
  const flatGrid = b.reshape(grid, [0, -1, rank]);
  const along = sizes.map((size, axis) => {
    const at = rank - 1 - axis;
    const share = b.squeeze(b.slice(flatGrid, [at], [at + 1], [2]), [2]);
    return tapsOf(b, node, share, size);
  });
  const flat = b.reshape(x, [0, channels, -1]);
  const count = points.reduce((p, d) => p * d, 1);
  const batch = b.slice(b.shapeOf(x), [0], [1], [0]);
  const whole = b.concat([batch, b.ints([channels, count])], 0);
  const terms = combinations(along).map((taps) => {
    let place = taps[0]?.index as string;
    taps.slice(1).forEach((tap, i) => {
      place = b.add(b.mul(place, sizes[i + 1]!), tap.index);
    });
    const weight = taps
      .map((tap) => tap.weight)
      .reduce((product, w) => b.mul(product, w));
    const index = b.expand(b.unsqueeze(b.cast(place, "int64"), [1]), whole);
    const picked = b.op("GatherElements", [flat, index], {
      axis: { kind: "int", value: 2 },
    });
    return b.mul(picked, b.unsqueeze(weight, [1]));
  });
  const sum = terms.length === 1 ? terms[0]! : b.op("Sum", terms);
  return [b.reshape(sum, [0, channels, ...points])];
};

/** Every choice of one tap from each axis. */
const combinations = (along: readonly (readonly Tap[])[]): Tap[][] =>
  along.reduce<Tap[][]>(
    (chosen, taps) => chosen.flatMap((c) => taps.map((tap) => [...c, tap])),
    [[]],
  );

/** What the points at `share` (-1 to 1 across the image) are made of along an axis. */
function tapsOf(
  b: GraphBuilder,
  node: Node,
  share: string,
  size: number,
): Tap[] {
  const aligned = attribute(node, "align_corners", "int", 0) === 1;
  const padding = attribute(node, "padding_mode", "string", "zeros");
  const mode = attribute(node, "mode", "string", "linear").replace(/^bi/, "");
  const ends: Ends = aligned ? [0, size - 1] : [-0.5, size - 0.5];
  const raw = aligned
    ? b.mul(b.add(share, 1), (size - 1) / 2)
    : b.sub(b.mul(b.add(share, 1), size / 2), 0.5);
  const within = (v: string) => {
    if (padding === "border") return clip(b, v, 0, size - 1);
    return padding === "reflection" ? reflect(b, v, ends) : v;
  };
  // Cubic looks at four pixels of the plane as it is, and pads each of them.
  const at = mode === "cubic" ? raw : within(raw);
  const tap = (index: string, weight: string): Tap => {
    const real = clip(b, within(index), 0, size - 1);
    // A reflected pixel is a pixel again.
    const whole = padding === "reflection" ? b.op("Round", [real]) : real;
    if (padding !== "zeros") return { index: whole, weight };
    const exists = b.mask(
      b.and(b.atLeast(index, 0), b.atMost(index, size - 1)),
      weight,
    );
    return { index: whole, weight: b.mul(weight, exists) };
  };
  if (mode === "nearest") {
    const whole = b.op("Round", [at]);
    return [tap(whole, b.add(b.mul(whole, 0), 1))];
  }
  const low = b.op("Floor", [at]);
  const part = b.sub(at, low);
  if (mode === "cubic") {
    return cubicWeights(b, part).map((weight, k) =>
      tap(b.add(low, k - 1), weight),
    );
  }
  return [tap(low, b.sub(1, part)), tap(b.add(low, 1), part)];
}

type Ends = readonly [number, number];

const clip = (b: GraphBuilder, v: string, low: number, high: number) =>
  b.op("Clip", [v, b.scalar(low, b.type(v)), b.scalar(high, b.type(v))]);

/** Folds a coordinate back and forth between two ends. */
function reflect(b: GraphBuilder, v: string, [low, high]: Ends): string {
  const range = high - low;
  if (range === 0) return b.add(b.mul(v, 0), low);
  const t = b.div(b.sub(v, low), range);
  const wave = b.sub(t, b.mul(b.op("Floor", [b.div(t, 2)]), 2));
  const folded = b.sub(1, b.abs(b.sub(wave, 1)));
  return b.add(b.mul(folded, range), low);
}

/**
 * Weights of the four pixels around a point `t` past the second (Keys 1981, a = -0.75).
 */
function cubicWeights(b: GraphBuilder, t: string): string[] {
  const a = -0.75;
  const inner = (d: string) =>
    b.add(b.mul(b.mul(b.sub(b.mul(d, a + 2), a + 3), d), d), 1);
  const outer = (d: string) =>
    b.sub(b.mul(b.add(b.mul(b.sub(b.mul(d, a), 5 * a), d), 8 * a), d), 4 * a);
  return [outer(b.add(t, 1)), inner(t), inner(b.sub(1, t)), outer(b.sub(2, t))];
}

export const sampling: ExpansionTable = { GridSample: gridSample };
