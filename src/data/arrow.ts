import { MEMORY, readInThread } from "./in-thread.ts";
import { threadsOf } from "./threads.ts";

const threads = threadsOf("src/data/arrow-worker.mjs", MEMORY);

/** Columns and rows of a file of Arrow, Feather among them. Throws DATA_FORMAT. */
export const readArrow = (file: string) =>
  readInThread(file, {
    threads,
    format: "Arrow",
    hint: "Write it again with flat columns of numbers, text or booleans, plain or compressed by LZ4 or zstd (pandas: to_feather).",
  });
