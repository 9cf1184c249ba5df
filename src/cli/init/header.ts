import { closeSync, openSync, readSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { openArrow, openParquet } from "#data";

/** Bytes in which the names of columns have to be. */
const MOST = 2 ** 16;

/**
 * The names of the columns of a table, as its first line says them, or the file of
 * itself; none where it does not.
 *
 * @throws DATA_FORMAT for a damaged file of Parquet or Arrow
 */
export async function headerOf(file: string): Promise<readonly string[]> {
  if (/\.parquet$/i.test(file)) return (await openParquet(file)).columns;
  if (/\.(arrow|feather)$/i.test(file)) return (await openArrow(file)).columns;
  const line = firstLine(file);
  try {
    if (/\.jsonl$/i.test(file)) return Object.keys(JSON.parse(line) as object);
    if (!/\.[ct]sv$/i.test(file)) return [];
    const delimiter = /\.tsv$/i.test(file) ? "\t" : ",";
    const [names = []] = parse(line, { delimiter, bom: true }) as string[][];
    return names;
  } catch {
    return [];
  }
}

function firstLine(file: string): string {
  const bytes = Buffer.alloc(MOST);
  const handle = openSync(file, "r");
  try {
    const length = readSync(handle, bytes, 0, MOST, 0);
    return bytes.toString("utf8", 0, length).split(/\r?\n/)[0] ?? "";
  } finally {
    closeSync(handle);
  }
}
