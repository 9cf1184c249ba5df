import { type Formula, type Relation, readRelation } from "./formula.ts";

/** Which way an attacker may change a column. */
export type Change = "any" | "none" | "up" | "down";

/** A column of a table as it is declared. Ranges are in its own unit. */
export interface ColumnSpec {
  readonly name: string;
  readonly kind: "number" | "integer" | "category";
  /** Smallest and largest value; 0 and 1 for a category. */
  readonly range: readonly [number, number];
  /** Names of the values of a category, in the order of its numbers. */
  readonly values?: readonly string[];
  readonly change: Change;
}

/**
 * A column and where it stands among the numbers of a row: one of them, or a group of
 * one for each value of a category.
 */
export interface Column extends ColumnSpec {
  readonly at: number;
  readonly width: number;
}

/** One number of a row. */
export interface Feature {
  /** The column's name; of a category `column:value`. */
  readonly name: string;
  readonly low: number;
  /** What 1 stands for beyond `low`. */
  readonly span: number;
}

/**
 * What the numbers of a row mean, and which rows there can be. Rows are
 * scaled: each number from 0 to 1 over the range of its column, categories as
 * groups of 0 with one 1.
 */
export interface Table {
  readonly columns: readonly Column[];
  readonly features: readonly Feature[];
  readonly relations: readonly Relation[];
  /**
   * What models that are given take: columns as they are, or scaled rows; not
   * known when left out.
   */
  readonly units?: "raw" | "unit" | undefined;
}

/**
 * A table from its columns and its constraints.
 *
 * @throws UsageError for a constraint that cannot be read or names no column
 */
export function tableOf(
  specs: readonly ColumnSpec[],
  constraints: readonly Formula[] = [],
): Table {
  const columns: Column[] = [];
  const features: Feature[] = [];
  for (const spec of specs) {
    const at = features.length;
    if (spec.kind === "category") {
      for (const value of spec.values ?? [])
        features.push({ name: `${spec.name}:${value}`, low: 0, span: 1 });
    } else {
      const [low, high] = spec.range;
      // A column that never changes keeps its one value at 0.
      features.push({ name: spec.name, low, span: high - low || 1 });
    }
    columns.push({ ...spec, at, width: features.length - at });
  }
  const names = features.map((feature) => feature.name);
  const relations = constraints.map((one) => readRelation(one, names));
  return { columns, features, relations };
}

/** Whether every scaled row is one that an attacker could make of any other. */
export const isFree = ({ columns, relations }: Table): boolean =>
  relations.length === 0 &&
  columns.every(({ kind, change }) => kind === "number" && change === "any");

/** What a value of a column is in a scaled row. */
export const scaled = ({ low, span }: Feature, value: number): number =>
  Math.fround((value - low) / span);

/** How far float32 rounds a scaled value, in the unit of its column. */
export const roundingOf = ({ span }: Feature): number => span * 2 ** -24;

/** A scaled row in the units of its columns; whole numbers come back exactly. */
export function unscaled(
  { columns, features }: Table,
  row: ArrayLike<number>,
): Float64Array {
  const raw = new Float64Array(features.length);
  for (let i = 0; i < raw.length; i++) {
    const { low, span } = features[i]!;
    raw[i] = low + row[i]! * span;
  }
  for (const { kind, at } of columns) {
    if (kind !== "integer") continue;
    const whole = Math.round(raw[at]!);
    const apart = Math.abs(raw[at]! - whole);
    if (apart <= roundingOf(features[at]!)) raw[at] = whole + 0; // never -0
  }
  return raw;
}
