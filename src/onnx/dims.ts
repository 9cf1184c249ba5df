import type { Dim } from "./graph.ts";

/**
 * Arithmetic on dimensions. A symbolic dimension is a product of names and a factor,
 * written "64*batch". What cannot be written so is unknown (null).
 */
interface Monomial {
  readonly factor: number;
  readonly names: readonly string[];
}

function parse(dim: Dim): Monomial | null {
  if (dim === null) return null;
  if (typeof dim === "number") return { factor: dim, names: [] };
  const parts = dim.split("*");
  const factor = Number(parts[0]);
  return Number.isInteger(factor) && parts[0] !== ""
    ? { factor, names: parts.slice(1) }
    : { factor: 1, names: parts };
}

function print({ factor, names }: Monomial): Dim {
  if (names.length === 0 || factor === 0) return factor;
  const product = [...names].sort().join("*");
  return factor === 1 ? product : `${factor}*${product}`;
}

/** Dimensions as messages show them: "[batch, 3, ?]"; "of unknown shape" is "[?]". */
export const shapeText = (dims: readonly Dim[] | undefined): string =>
  `[${dims?.map((d) => d ?? "?").join(", ") ?? "?"}]`;

/** The number in "12*batch"; 1 where there is none, or nothing is known. */
export const factorOf = (dim: Dim): number => parse(dim)?.factor ?? 1;

/** The product of dimensions; 1 for none. */
export function multiply(dims: readonly Dim[]): Dim {
  let factor = 1;
  const names: string[] = [];
  for (const dim of dims) {
    const parsed = parse(dim);
    if (parsed === null) return null;
    factor *= parsed.factor;
    names.push(...parsed.names);
  }
  return print({ factor, names });
}

/** a / b where b divides a, otherwise null. */
export function divide(a: Dim, b: Dim): Dim {
  const x = parse(a);
  const y = parse(b);
  if (x === null || y === null || y.factor === 0) return null;
  if (x.factor % y.factor !== 0) return null;
  const names = [...x.names];
  for (const name of y.names) {
    const at = names.indexOf(name);
    if (at < 0) return null;
    names.splice(at, 1);
  }
  return print({ factor: x.factor / y.factor, names });
}

/**
 * The shape of an elementwise result (NumPy broadcasting), or undefined when a
 * rank is unknown.
 */
export function broadcast(
  ...shapes: readonly (readonly Dim[] | undefined)[]
): Dim[] | undefined {
  const rank = Math.max(...shapes.map((s) => s?.length ?? 0));
  if (shapes.some((s) => s === undefined)) return undefined;
  return Array.from({ length: rank }, (_, i) =>
    shapes.reduce<Dim>((result, shape) => {
      const dims = shape as readonly Dim[];
      const at = i - (rank - dims.length);
      return at < 0 ? result : broadcastDim(result, dims[at] ?? null);
    }, 1),
  );
}

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  // A known size above 1 wins: the other must equal it or be 1.
  if (typeof a === "number") return a;
  if (typeof b === "number") return b;
  return null;
}

/** All dimensions as numbers, or undefined when one is not known. */
export function fixed(dims: readonly Dim[] | undefined): number[] | undefined {
  return dims?.every((d) => typeof d === "number")
    ? (dims as number[])
    : undefined;
}

/** An axis counted from the front. Negative axes count from the end. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
