import type { Cell, Numbers } from "./columns.ts";
import type { Rows } from "./sheet.ts";

/**
 * How many cells are read at once: small groups of rows together up to the first, large
 * ones in parts of at most the second. Tests have fewer.
 */
export const atOnce = { together: 2 ** 20, most: 2 ** 24 };

/** Cells of columns by their names. */
export type Cells = ReadonlyMap<string, readonly Cell[] | Numbers>;

/** Some rows of a file, and where they are. */
export interface Range {
  /** From one to before another. */
  readonly rows: readonly [from: number, to: number];
  /** The groups that they are in. */
  readonly groups: readonly [from: number, to: number];
  /** Where the first of these begins. */
  readonly start: number;
}

/** A file that holds its rows in groups, of which some are read at a time. */
export interface Grouped {
  readonly columns: readonly string[];
  /** Rows of each group. */
  readonly groups: readonly number[];
  read(names: readonly string[], range: Range): Promise<Cells>;
}

/** The rows of such a file. */
export function rowsByGroups(
  name: string,
  file: string,
  { columns, groups, read }: Grouped,
): Rows {
  const place = (row: number) => `${file}, row ${row + 1}`;
  const whole = { name, file, columns, place };
  return {
    ...whole,
    async *parts(names) {
      for (const range of together(groups, names.length)) {
        const cells = await read(names, range);
        const [from, to] = range.rows;
        yield {
          ...whole,
          count: to - from,
          cells: (column) => cells.get(columns[column] ?? "") ?? [],
          place: (row) => place(from + row),
        };
      }
    },
  };
}

/** What is read at once: small groups together, whole ones, a part of a large one. */
function together(groups: readonly number[], columns: number): Range[] {
  const parts: Range[] = [];
  const each = Math.max(1, Math.floor(atOnce.most / columns));
  let at = 0;
  for (const [g, count] of groups.entries()) {
    const [last, end] = [parts.at(-1), at + count];
    if (last && (end - last.start) * columns <= atOnce.together)
      parts[parts.length - 1] = {
        ...last,
        rows: [last.start, end],
        groups: [last.groups[0], g + 1],
      };
    else
      for (let from = at; from < end; from += each)
        parts.push({
          rows: [from, Math.min(end, from + each)],
          groups: [g, g + 1],
          start: at,
        });
    at = end;
  }
  return parts;
}

/** Columns as threads send them, with what of their numbers is none. */
export const toldOf = (
  names: readonly string[],
  cells: readonly (Float64Array | Cell[])[],
): Cells =>
  new Map(
    names.map((name, i) => {
      const column = cells[i] ?? [];
      return [name, column instanceof Float64Array ? told(column) : column];
    }),
  );

function told(values: Float64Array): Numbers {
  const odd = new Map<number, string>();
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) odd.set(i, String(values[i]));
  return { values, odd };
}
