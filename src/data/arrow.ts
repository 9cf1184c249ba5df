import { fileSize, readBytes } from "#core";
import type { Cell } from "./columns.ts";
import { type Grouped, toldOf } from "./groups.ts";
import { MEMORY, MOST_CELLS, readInThread } from "./in-thread.ts";
import { threadsOf } from "./threads.ts";

const threads = threadsOf("src/data/arrow-worker.mjs", MEMORY);

/**
 * Opens a file or stream of Arrow, Feather among them, whose batches of rows are read
 * as they are asked for. Throws DATA_FORMAT, FILE_UNREADABLE.
 */
export async function openArrow(file: string): Promise<Grouped> {
  readBytes(file, 0, 4);
  const { columns, groups } = await ask<Pick<Grouped, "columns" | "groups">>(
    file,
    {},
  );
  return {
    columns,
    groups,
    async read(names, range) {
      const asked = { names, range };
      const { cells } = await ask<{ cells: (Float64Array | Cell[])[] }>(
        file,
        asked,
      );
      return toldOf(names, cells);
    },
  };
}

const ask = <Content extends object>(file: string, asked: object) =>
  readInThread<Content>(
    file,
    { ...asked, file, mostCells: MOST_CELLS },
    fileSize(file),
    {
      threads,
      format: "Arrow",
      hint: "Write it again with flat columns of numbers, text or booleans, plain or compressed by LZ4 or zstd (pandas: to_feather).",
    },
  );
