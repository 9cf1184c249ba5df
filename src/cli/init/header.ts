import { closeSync, openSync, readSync } from "node:fs";
import { parse } from "csv-parse/sync";

/** Bytes in which the names of columns have to be. */
const MOST = 2 ** 16;

/**
 * The names of the columns of a table, as its first line says them; none where it does
 * not, or the form of the file is another.
 */
export function headerOf(file: string): string[] {
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
