import { readInThread } from "./in-thread.ts";

/** Columns and rows of a file of Arrow, Feather among them. Throws DATA_FORMAT. */
export const readArrow = (file: string) =>
  readInThread(file, {
    worker: "src/data/arrow-worker.mjs",
    format: "Arrow",
    hint: "Write it again with flat columns of numbers, text or booleans, plain or compressed by LZ4 or zstd (pandas: to_feather).",
  });
