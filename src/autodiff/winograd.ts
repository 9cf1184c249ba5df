import {
  attribute,
  fixed,
  floats,
  type Graph,
  GraphBuilder,
  int,
  type Node,
  sizeOf,
  windowOf,
  windowOutput,
} from "#onnx";
import { computedOf } from "./computed-of.ts";
import {
  type Matrix,
  type Transforms,
  transforms,
} from "./winograd-transforms.ts";

/**
 * The graph with convolutions of 3x3 taps by Winograd's algorithm (Lavin and Gray, Fast
 * Algorithms for Convolutional Neural Networks, 2016), where their weights are trained.
 * Forth, back and for the weights that multiplies 2.25 to 4 times less. Both compute
 * the same: the largest errors are 1e-5 of the largest number, ten times those of a
 * convolution.
 *
 * @param wrt values that the gradient is taken with respect to
 */
export function winograd(graph: Graph, wrt: readonly string[]): Graph {
  if (!graph.nodes.some(isWhole)) return graph;
  const trained = computedOf(graph.nodes, wrt);
  const b = GraphBuilder.rewriting(graph, "winograd/");
  for (const node of graph.nodes) {
    const sizes =
      isWhole(node) && trained.has(node.inputs[1] ?? "")
        ? sizesOf(b, node)
        : undefined;
    if (sizes) b.rename(products(b, node, sizes), node.outputs[0] ?? "");
    else b.append(node);
  }
  return b.build();
}

/** Whether every output channel sees every input channel. */
const isWhole = (node: Node) =>
  node.op === "Conv" &&
  node.domain === "" &&
  attribute(node, "group", "int", 1) === 1;

interface Sizes {
  /** Of the kernel: [outputs, channels, 3, 3]. */
  readonly weight: readonly number[];
  /** Pixels down and across, of the input and of the output. */
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly padsBegin: readonly number[];
  /** Pixels down and across of a tile of the output. */
  readonly tile: 2 | 4;
}

/** Channels from which it pays, and pixels of the output for each of them at most. */
const FEWEST = 16;
const PIXELS = 16;

/** Pixels down or across up to which onnxruntime sums alike with any threads. */
const LONGEST = 128;

/** Up to as many pixels down and across, larger tiles would be half empty. */
const SMALL = 6;

/** The sizes of a convolution that takes less time in tiles. */
function sizesOf(b: GraphBuilder, node: Node): Sizes | undefined {
  const [x = "", w = ""] = node.inputs;
  const weight = fixed(b.dims(w) ?? [null]);
  const input = fixed(b.dims(x)?.slice(2) ?? [null]);
  if (weight?.length !== 4 || !input) return undefined;
  const [m = 1, c = 1, ...kernel] = weight;
  const window = windowOf(node, input, kernel);
  const output = fixed(windowOutput(window, input)) ?? [];
  const isPlain =
    kernel.every((k) => k === 3) &&
    [...window.strides, ...window.dilations].every((step) => step === 1);
  // The transforms take time by the pixel, and save it by the channel.
  const pays = Math.min(m, c) >= Math.max(FEWEST, sizeOf(output) / PIXELS);
  const fits = input.every((size) => size <= LONGEST);
  if (!(isPlain && pays && fits && sizeOf(output) > 1)) return undefined;
  const tile = Math.max(...output) > SMALL ? 4 : 2;
  return { weight, input, output, padsBegin: window.padsBegin, tile };
}

/** [samples, channels, ...pixels] convolved, and the bias added. */
function products(b: GraphBuilder, node: Node, s: Sizes): string {
  const [x = "", w = "", bias] = node.inputs;
  const [m = 1, c = 1] = s.weight;
  const own = transforms[s.tile];
  const count = own.kernel.length;
  const tiles = s.output.map((size) => Math.ceil(size / s.tile));
  const weights = b.op(
    "Gemm",
    [b.constant(squared(own.kernel)), b.reshape(w, [m * c, 9])],
    { transB: int(1) },
  );
  const inputs = spread(b, x, s, own, tiles);
  // One product over the channels for each of both axes.
  const all = b.matmul(
    b.reshape(inputs, [count ** 2, -1, c]),
    b.transposeLast(b.reshape(weights, [count ** 2, m, c])),
  );
  const y = b.reshape(gathered(b, all, s, own, tiles), [-1, m, ...s.output]);
  return bias ? b.add(y, b.reshape(bias, [1, m, 1, 1])) : y;
}

/**
 * What the products read: [product down, product across, tile down, tile across,
 * sample, channel]. Each matrix reads an axis as rows and brings it to the front.
 */
function spread(
  b: GraphBuilder,
  x: string,
  s: Sizes,
  { image }: Transforms,
  tiles: readonly number[],
): string {
  const along = (value: string, axis: 0 | 1) => {
    const pixels = s.input[axis]!;
    const before = s.padsBegin[axis]!;
    const matrix = inTiles(image, tiles[axis]!, s.tile, pixels, before);
    const rows = b.reshape(value, [-1, pixels]);
    return b.op("Gemm", [b.constant(matrix), rows], { transB: int(1) });
  };
  const both = along(along(x, 1), 0);
  const count = image.length;
  return b.transpose(b.reshape(both, [count, tiles[0]!, count, -1]), AGAIN);
}

/** Back from what the products give: [samples, channels, ...pixels] in rows. */
function gathered(
  b: GraphBuilder,
  all: string,
  s: Sizes,
  { result }: Transforms,
  tiles: readonly number[],
): string {
  const along = (value: string, axis: 0 | 1) => {
    const matrix = inTiles(result, tiles[axis]!, s.tile, s.output[axis]!);
    const rows = b.reshape(value, [count * tiles[axis]!, -1]);
    return b.op("Gemm", [rows, b.constant(matrix)], { transA: int(1) });
  };
  const count = result.length;
  const ordered = b.reshape(all, [count, count, tiles[0]!, -1]);
  return along(along(b.transpose(ordered, AGAIN), 0), 1);
}

/** Tiles down change places with products across. */
const AGAIN = [0, 2, 1, 3];

/** A transform of three taps along both axes: [products^2, 9]. */
const squared = (kernel: Matrix) =>
  floats(
    [kernel.length ** 2, 9],
    Float32Array.from(
      kernel.flatMap((down) =>
        kernel.flatMap((across) =>
          down.flatMap((d) => across.map((a) => d * a)),
        ),
      ),
    ),
  );

/**
 * A transform of every tile of an axis: [products * tiles, pixels].
 *
 * @param tile pixels from one to the next
 * @param before pixels of padding before the first one
 */
function inTiles(
  rows: Matrix,
  tiles: number,
  tile: number,
  pixels: number,
  before = 0,
) {
  const matrix = new Float32Array(rows.length * tiles * pixels);
  for (const [f, row] of rows.entries())
    for (let t = 0; t < tiles; t++)
      for (let p = 0; p < pixels; p++)
        matrix[(f * tiles + t) * pixels + p] = row[p - t * tile + before] ?? 0;
  return floats([rows.length * tiles, pixels], matrix);
}
