export type { Formula, Quantity, Relation } from "./formula.ts";
export {
  objection,
  recompute,
  repair,
  restore,
  roundTypes,
  slopesOfChanges,
} from "./rows.ts";
export {
  type Change,
  type Column,
  type ColumnSpec,
  type Feature,
  isFree,
  scaled,
  type Table,
  tableOf,
  unscaled,
} from "./table.ts";
export { addSlopes, violation, violationOf } from "./violation.ts";
