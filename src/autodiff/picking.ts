import { axisOf, type GraphBuilder, int, multiply, string } from "#onnx";

/** A size: a number, or an int64 value [1] where it is only known as the model runs. */
export type Size = number | string;

/** How many elements the axes `[from, to)` of a value span together. */
export function sizeOfAxes(
  b: GraphBuilder,
  x: string,
  from: number,
  to: number,
): Size {
  const size = multiply(b.rankedDims(x).slice(from, to));
  if (typeof size === "number") return size;
  const sizes = b.slice(b.shapeOf(x), [from], [to], [0]);
  return to - from === 1
    ? sizes
    : b.op("ReduceProd", [sizes], { keepdims: int(1) });
}

/** How many elements a value has. */
export function countOf(b: GraphBuilder, x: string): Size {
  const dims = b.dims(x);
  const size = dims && multiply(dims);
  return typeof size === "number" ? size : b.reshape(b.op("Size", [x]), [1]);
}

/** A shape of the given sizes. */
export function shapeOf(b: GraphBuilder, sizes: readonly Size[]): string {
  return sizes.every((s) => typeof s === "number")
    ? b.ints(sizes as number[])
    : b.concat(
        sizes.map((s) => (typeof s === "number" ? b.ints([s]) : s)),
        0,
      );
}

/**
 * Adds updates to elements of `data` that indices name along an axis; several may
 * name the same one.
 */
export function addElements(
  b: GraphBuilder,
  data: string,
  indices: string,
  updates: string,
  axis: number,
): string {
  // ScatterND with addition races on several threads. ScatterElements does not.
  return b.op("ScatterElements", [data, indices, updates], {
    axis: int(axis),
    reduction: string("add"),
  });
}

/**
 * The transpose of picking rows: zeros in the shape of `x`, to which every row
 * of `g` is added where its index points along `axis`. `g` has the axes of the
 * indices in place of `axis`.
 */
export function addRows(
  b: GraphBuilder,
  g: string,
  x: string,
  axis: number,
  indices: string,
): string {
  const rank = b.rankedDims(x).length;
  const at = axisOf(axis, rank);
  const outer = sizeOfAxes(b, x, 0, at);
  const inner = sizeOfAxes(b, x, at + 1, rank);
  const seen = (length: Size) => shapeOf(b, [outer, length, inner]);
  const shape = b.shapeOf(x);
  const zeros = b.reshape(
    b.zeros(shape, g),
    seen(sizeOfAxes(b, x, at, at + 1)),
  );
  const rows = seen(countOf(b, indices));
  const where = b.expand(b.reshape(indices, [1, -1, 1]), rows);
  return b.reshape(
    addElements(b, zeros, where, b.reshape(g, rows), 1),
    b.dims(x)?.every((d) => typeof d === "number")
      ? (b.dims(x) as number[])
      : shape,
  );
}

/**
 * The gradient of an operator that only moves, repeats or drops elements of
 * `x`: it is applied to the positions of the elements, which tells where each
 * element of the output came from. Slower than a rule of its own, but right
 * for parameters that are only known as the model runs.
 */
export function backToSources(
  b: GraphBuilder,
  g: string,
  x: string,
  move: (positions: string) => string,
): string {
  const shape = b.shapeOf(x);
  const size = b.op("Size", [x]);
  const positions = b.op("Range", [
    b.scalar(0, "int64"),
    size,
    b.scalar(1, "int64"),
  ]);
  const sources = move(b.reshape(positions, shape));
  const zeros = b.zeros(b.reshape(size, [1]), g);
  const sum = addElements(
    b,
    zeros,
    b.reshape(sources, [-1]),
    b.reshape(g, [-1]),
    0,
  );
  return b.reshape(sum, shape);
}
