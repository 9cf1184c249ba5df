// Cells of a column as threads send them. Plain JavaScript, since it runs in them.

const isNumber = (v) =>
  typeof v === "number" ||
  (typeof v === "bigint" && v >= -(2n ** 53n) && v <= 2n ** 53n);

/** The cells of a column: numbers where all are, otherwise as they are. */
export const cellsAsSent = (cells) =>
  cells.every(isNumber) ? Float64Array.from(cells, Number) : cells;

/** What of sent columns need not be copied. */
export const ownedBy = (columns) =>
  columns.flatMap((c) => (c.buffer ? [c.buffer] : []));
