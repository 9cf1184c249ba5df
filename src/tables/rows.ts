import type { Quantity } from "./formula.ts";
import { type Column, scaled, type Table, unscaled } from "./table.ts";
import { addSlopesOf, amount, violation } from "./violation.ts";

type Row = ArrayLike<number>;

/**
 * Why a scaled row is not one that the attacker could make of a clean one, in
 * words: its types, its ranges, which way columns may change, and the relations.
 * Null where it is. What must not change is the same to the bit.
 */
export function objection(table: Table, clean: Row, row: Row): string | null {
  const raw = unscaled(table, row);
  for (const column of table.columns) {
    const wrong = ofColumn(column, clean, row, raw);
    if (wrong) return `${column.name} ${wrong}`;
  }
  const broken = table.relations.find((one) => violation(one, raw, table) > 0);
  return broken ? `it breaks "${broken.text}"` : null;
}

function ofColumn(
  { kind, at, width, change }: Column,
  clean: Row,
  row: Row,
  raw: Float64Array,
): string | null {
  for (let i = at; i < at + width; i++) {
    const [before, now] = [clean[i]!, row[i]!];
    if (!(now >= 0 && now <= 1)) return "is outside its range";
    if (change === "none" && now !== before) return "must not change";
    if (change === "up" && now < before) return "may only rise";
    if (change === "down" && now > before) return "may only fall";
  }
  if (kind === "integer" && !Number.isInteger(raw[at]))
    return "is not a whole number";
  if (kind !== "category") return null;
  const group = Array.from({ length: width }, (_, i) => row[at + i]!);
  const ones = group.filter((v) => v === 1).length;
  const zeros = group.filter((v) => v === 0).length;
  return ones === 1 && zeros === width - 1 ? null : "is not one of its values";
}

/**
 * Writes over what the attacker must not change in a scaled row: fixed columns, and the
 * wrong way of one-way columns.
 */
export function restore(
  { columns }: Table,
  clean: Row,
  row: Float32Array,
): void {
  for (const { at, width, change } of columns) {
    for (let i = at; i < at + width; i++) {
      const [before, now] = [clean[i]!, row[i]!];
      const back =
        change === "none" ||
        (change === "up" && !(now >= before)) ||
        (change === "down" && !(now <= before));
      if (back) row[i] = before;
    }
  }
}

/**
 * Rounds a scaled row to the types of its columns: whole numbers towards the
 * clean row, so that no change grows, and categories to the largest of their
 * numbers.
 */
export function roundTypes(table: Table, clean: Row, row: Float32Array): void {
  const from = unscaled(table, clean);
  const to = unscaled(table, row);
  for (const { kind, at, width } of table.columns) {
    if (kind === "integer") {
      const before = from[at]!;
      const whole = before + Math.trunc(to[at]! - before);
      row[at] = scaled(table.features[at]!, whole);
    }
    if (kind === "category") {
      const group = row.subarray(at, at + width);
      // Of equals the one that it had.
      const most = group.reduce((a, b) => Math.max(a, b), 0);
      const kept = Array.from(
        group,
        (v, i) => v === most && clean[at + i] === 1,
      );
      const chosen = kept.includes(true)
        ? kept.indexOf(true)
        : group.indexOf(most);
      group.fill(0);
      group[chosen] = 1;
    }
  }
}

/**
 * Computes the columns anew that a constraint of the form `column = ...` gives. The
 * fixed ones stay.
 */
export function recompute(table: Table, row: Float32Array): void {
  for (const { at, by } of definitionsIn(table)) {
    const value = amount(by, unscaled(table, row), table);
    if (Number.isFinite(value)) row[at] = scaled(table.features[at]!, value);
  }
}

/** The columns that a constraint gives by others, which follow when these move. */
function definitionsIn({
  relations,
  columns,
}: Table): { readonly at: number; readonly by: Quantity }[] {
  return relations.flatMap((one) => {
    if (one.kind !== "=" || one.left.kind !== "feature") return [];
    const { at } = one.left;
    const { change, kind } = columns.find(
      (c) => at >= c.at && at < c.at + c.width,
    ) as Column;
    if (change === "none" || kind === "category") return [];
    return [{ at, by: one.right }];
  });
}

/**
 * Makes slopes of a loss at a scaled row, in place, those by what an attacker moves:
 * what the loss owes to a column that others define is theirs, and there is none
 * along what must not change, or from the clean value in the wrong direction.
 */
export function slopesOfChanges(
  table: Table,
  clean: Row,
  row: Row,
  slopes: Float32Array,
): void {
  const { features, columns } = table;
  const raw = unscaled(table, row);
  for (const { at, by } of definitionsIn(table).toReversed()) {
    const felt = new Float64Array(slopes.length);
    addSlopesOf(by, slopes[at]! / features[at]!.span, raw, table, felt);
    slopes[at] = 0;
    for (const [i, { span }] of features.entries())
      if (Number.isFinite(felt[i])) slopes[i] = slopes[i]! + felt[i]! * span;
  }
  for (const { at, width, change } of columns)
    for (let i = at; i < at + width; i++) {
      const stuck =
        change === "none" ||
        (change === "up" && slopes[i]! < 0 && row[i]! <= clean[i]!) ||
        (change === "down" && slopes[i]! > 0 && row[i]! >= clean[i]!);
      if (stuck) slopes[i] = 0;
    }
}

/**
 * The nearest row that we know how to reach which the attacker could make: types, then
 * what must not change, then definitions.
 */
export function repair(table: Table, clean: Row, row: Float32Array): void {
  for (let i = 0; i < row.length; i++)
    row[i] = Math.min(1, Math.max(0, row[i]!));
  roundTypes(table, clean, row);
  restore(table, clean, row);
  recompute(table, row);
}
