import { fixed } from "../dims.ts";
import type { Dim } from "../graph.ts";
import { sizeOf } from "../tensor.ts";
import { type Known, MAX_VALUES } from "./known.ts";

/** Contents that are known, in row-major order, and the sizes of their axes. */
export interface Contents {
  readonly dims: readonly number[];
  readonly values: readonly Dim[];
}

/**
 * The contents of a value with all its sizes; undefined when they are not known, or are
 * too many to follow.
 */
export function contentsOf(known: Known | undefined): Contents | undefined {
  const dims = fixed(known?.dims);
  const { values } = known ?? {};
  const fits = dims && values?.length === sizeOf(dims);
  return fits ? { dims, values } : undefined;
}

/**
 * So many places, in their order; undefined for more than are followed, whatever
 * number a file states.
 */
export const places = (
  count: number,
  at: (i: number) => number,
): number[] | undefined =>
  count >= 0 && count <= MAX_VALUES
    ? Array.from({ length: count }, (_, i) => at(i))
    : undefined;

/**
 * The chosen places along an axis, in their order. A place that is not
 * there is unknown.
 */
export function take(
  { dims, values }: Contents,
  axis: number,
  chosen: readonly number[],
): Contents | undefined {
  const inner = sizeOf(dims.slice(axis + 1));
  const length = dims[axis] ?? 1;
  const outer = sizeOf(dims.slice(0, axis));
  const taken = dims.map((d, i) => (i === axis ? chosen.length : d));
  if (sizeOf(taken) > MAX_VALUES) return undefined;
  const at = (o: number, place: number, i: number): Dim => {
    const p = place < 0 ? place + length : place;
    const isThere = p >= 0 && p < length;
    return isThere ? (values[(o * length + p) * inner + i] ?? null) : null;
  };
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  return {
    dims: taken,
    values: range(outer).flatMap((o) =>
      chosen.flatMap((p) => range(inner).map((i) => at(o, p, i))),
    ),
  };
}

/** Contents with their axes in another order. */
export function reordered(
  { dims, values }: Contents,
  order: readonly number[],
): Contents {
  const strides = dims.map((_, i) => sizeOf(dims.slice(i + 1)));
  const to = order.map((axis) => dims[axis] ?? 1);
  return {
    dims: to,
    values: values.map((_, i) => {
      let rest = i;
      let from = 0;
      for (let axis = to.length - 1; axis >= 0; axis--) {
        from += (rest % to[axis]!) * (strides[order[axis]!] ?? 0);
        rest = Math.floor(rest / to[axis]!);
      }
      return values[from] ?? null;
    }),
  };
}

/** Contents broadcast to a shape; undefined when they do not fit it. */
export function stretched(
  { dims, values }: Contents,
  target: readonly number[],
): Contents | undefined {
  const lead = target.length - dims.length;
  if (lead < 0) return undefined;
  let all: Contents | undefined = {
    dims: [...new Array<number>(lead).fill(1), ...dims],
    values,
  };
  for (const [axis, size] of target.entries()) {
    const own: number = all?.dims[axis] ?? 1;
    if (own === size) continue;
    if (own !== 1) return undefined;
    const copies = places(size, () => 0);
    all = all && copies && take(all, axis, copies);
  }
  return all;
}

/** Contents one behind the other along an axis. */
export function joined(
  parts: readonly Contents[],
  axis: number,
): Contents | undefined {
  const [first] = parts;
  if (!first) return undefined;
  const outer = sizeOf(first.dims.slice(0, axis));
  const lengths = parts.map(({ values }) => values.length / outer);
  const dims = first.dims.map((d, i) =>
    i === axis ? parts.reduce((sum, p) => sum + (p.dims[axis] ?? 1), 0) : d,
  );
  if (sizeOf(dims) > MAX_VALUES) return undefined;
  return {
    dims,
    values: Array.from({ length: outer }, (_, o) =>
      parts.flatMap(({ values }, i) =>
        values.slice(o * lengths[i]!, (o + 1) * lengths[i]!),
      ),
    ).flat(),
  };
}
