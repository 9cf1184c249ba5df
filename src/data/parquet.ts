import { Worker } from "node:worker_threads";
import { AssayError, messageOf, packagePath, readFile } from "#core";
import type { Cell } from "./sheet.ts";

/** The most cells of one file. */
const LARGEST = 2 ** 28;

/** How long reading may take: this, and as much again for each of so many bytes. */
const PATIENCE = { seconds: 5, bytes: 2 ** 22 };

interface Content {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * Columns and rows of a Parquet file. It is read in a thread that is stopped
 * when it takes too long or too much memory: of a damaged file the reader may
 * loop for as long as a damaged count says.
 *
 * @throws DATA_FORMAT
 */
export async function readParquet(file: string): Promise<Content> {
  const bytes = readFile(file);
  const worker = new Worker(packagePath("src/data/parquet-worker.mjs"), {
    workerData: { bytes, mostCells: LARGEST },
    resourceLimits: { maxOldGenerationSizeMb: 4096 },
    stderr: true,
  });
  const seconds =
    PATIENCE.seconds * (1 + Math.floor(bytes.length / PATIENCE.bytes));
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Content>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`nothing came of it in ${seconds} s`)),
        1000 * seconds,
      );
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("the reader broke off")));
    });
  } catch (error) {
    throw new AssayError(
      "DATA_FORMAT",
      `${file} cannot be read as Parquet: ${messageOf(error)}`,
      "Write it again with flat columns, plain or compressed by Snappy, gzip, Brotli, zstd or LZ4.",
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
