import { Worker } from "node:worker_threads";
import { AssayError, messageOf, packagePath, readFile } from "#core";
import type { Cell } from "./sheet.ts";

/** The most cells of one file. */
const LARGEST = 2 ** 28;

/** How long reading may take: this, and as much again for each of so many bytes. */
const PATIENCE = { seconds: 5, bytes: 2 ** 22 };

/** A reader of a format, and what to do about a file that it refuses. */
interface Reader {
  /** Its thread, a file of the package. */
  readonly worker: string;
  /** What the format is called. */
  readonly format: string;
  readonly hint: string;
}

/** What a reader finds in a file. */
export interface Content {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * Columns and rows of a file whose reader is not ours. It is read in a thread that is
 * stopped when it takes too long or too much memory: of a damaged file a reader
 * may loop for as long as a damaged count says.
 *
 * @throws DATA_FORMAT
 */
export async function readInThread(
  file: string,
  { worker: path, format, hint }: Reader,
): Promise<Content> {
  const bytes = readFile(file);
  const worker = new Worker(packagePath(path), {
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
      `${file} cannot be read as ${format}: ${messageOf(error)}`,
      hint,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
