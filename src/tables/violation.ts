import type { Quantity, Relation } from "./formula.ts";
import { roundingOf, type Table } from "./table.ts";

/** Below this a divisor counts as 0 (TabularBench). */
const TINY = 1e-6;

/**
 * A computed number, and how far rounding the row to float32 may have moved
 * it, to first order.
 */
interface Reading {
  readonly value: number;
  readonly error: number;
}

/**
 * How far a row is from fulfilling a relation: for `<=` the excess of the left
 * side, for `=` the distance of the sides, both beyond tolerance and rounding;
 * the sum for "and", the least for "or". 0 where it holds, Infinity where a side
 * is no number.
 *
 * @param raw a row in the units of its columns
 */
export function violation(
  relation: Relation,
  raw: Float64Array,
  table: Table,
): number {
  if ("parts" in relation) {
    const parts = relation.parts.map((part) => violation(part, raw, table));
    return relation.kind === "and"
      ? parts.reduce((sum, v) => sum + v, 0)
      : Math.min(...parts);
  }
  const left = read(relation.left, raw, table);
  const right = read(relation.right, raw, table);
  const apart = left.value - right.value;
  const excess =
    (relation.kind === "=" ? Math.abs(apart) : apart) -
    (relation.tolerance + left.error + right.error);
  return Number.isNaN(excess) ? Number.POSITIVE_INFINITY : Math.max(0, excess);
}

/** The sum over all relations of a table. */
export const violationOf = (table: Table, raw: Float64Array): number =>
  table.relations.reduce((sum, one) => sum + violation(one, raw, table), 0);

/** Adds the slope of the violation by each number of the raw row. */
export function addSlopes(
  relation: Relation,
  raw: Float64Array,
  table: Table,
  slopes: Float64Array,
): void {
  if ("parts" in relation) {
    const all = relation.parts.map((part) => violation(part, raw, table));
    const least = all.indexOf(Math.min(...all));
    const felt =
      relation.kind === "and" ? relation.parts : [relation.parts[least]];
    for (const part of felt) addSlopes(part as Relation, raw, table, slopes);
    return;
  }
  if (violation(relation, raw, table) === 0) return;
  const { left, right, kind } = relation;
  const apart = amount(left, raw, table) - amount(right, raw, table);
  const sign = kind === "=" ? Math.sign(apart) : 1;
  if (!Number.isFinite(apart)) return;
  addSlopesOf(left, sign, raw, table, slopes);
  addSlopesOf(right, -sign, raw, table, slopes);
}

/** What a quantity is for a raw row. */
export const amount = (
  quantity: Quantity,
  raw: Float64Array,
  table: Table,
): number => read(quantity, raw, table).value;

function read(quantity: Quantity, raw: Float64Array, table: Table): Reading {
  if (quantity.kind === "constant") return { value: quantity.value, error: 0 };
  if (quantity.kind === "feature") {
    const { at } = quantity;
    const feature = table.features[at]!;
    return { value: raw[at]!, error: roundingOf(feature) };
  }
  const parts = quantity.parts.map((part) => read(part, raw, table));
  const values = parts.map((part) => part.value);
  const value = compute(quantity.name, values);
  const error = partials(quantity.name, values).reduce(
    (sum, slope, i) =>
      sum + (slope === 0 ? 0 : Math.abs(slope) * (parts[i]?.error as number)),
    Number.EPSILON * Math.abs(value),
  );
  return { value, error };
}

/** Adds the slope of a quantity, times a factor, by each number of the raw row. */
export function addSlopesOf(
  quantity: Quantity,
  slope: number,
  raw: Float64Array,
  table: Table,
  slopes: Float64Array,
): void {
  if (quantity.kind === "constant" || slope === 0) return;
  if (quantity.kind === "feature") {
    slopes[quantity.at] = slopes[quantity.at]! + slope;
    return;
  }
  const values = quantity.parts.map((part) => amount(part, raw, table));
  for (const [i, partial] of partials(quantity.name, values).entries())
    addSlopesOf(quantity.parts[i]!, slope * partial, raw, table, slopes);
}

function compute(
  name: string,
  [a = 0, b = Number.NaN, c = 0]: number[],
): number {
  switch (name) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "^":
      return a ** b;
    case "div":
      return Math.abs(b) > TINY ? a / b : c;
    case "log":
      return a > 0 ? Math.log(a) : b;
    case "abs":
      return Math.abs(a);
    case "min":
      return Math.min(a, b);
    default:
      return Math.max(a, b);
  }
}

/** The slope of an operation by each of its parts. */
function partials(name: string, values: number[]): number[] {
  const [a = 0, b = 0] = values;
  switch (name) {
    case "+":
      return [1, 1];
    case "-":
      return [1, -1];
    case "*":
      return [b, a];
    case "/":
      return [1 / b, -a / b ** 2];
    case "^":
      return [b * a ** (b - 1), a > 0 ? a ** b * Math.log(a) : 0];
    case "div":
      return Math.abs(b) > TINY ? [1 / b, -a / b ** 2, 0] : [0, 0, 1];
    case "log":
      return (a > 0 ? [1 / a, 0] : [0, 1]).slice(0, values.length);
    case "abs":
      return [Math.sign(a)];
    case "min":
      return a <= b ? [1, 0] : [0, 1];
    default:
      return a >= b ? [1, 0] : [0, 1];
  }
}
