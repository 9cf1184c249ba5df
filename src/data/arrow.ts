import { readFile } from "#core";
import type { Cell } from "./columns.ts";
import { MEMORY, MOST_CELLS, readInThread } from "./in-thread.ts";
import { threadsOf } from "./threads.ts";

const threads = threadsOf("src/data/arrow-worker.mjs", MEMORY);

/** What a file has. */
interface Content {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Columns and rows of a file of Arrow, Feather among them. Throws DATA_FORMAT. */
export function readArrow(file: string): Promise<Content> {
  const bytes = readFile(file);
  const asked = { bytes, mostCells: MOST_CELLS };
  return readInThread<Content>(file, asked, bytes.length, {
    threads,
    format: "Arrow",
    hint: "Write it again with flat columns of numbers, text or booleans, plain or compressed by LZ4 or zstd (pandas: to_feather).",
  });
}
