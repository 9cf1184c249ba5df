import { AssayError, messageOf, readFile } from "#core";
import type { Cell } from "./columns.ts";
import { secondsFor, type Threads } from "./threads.ts";

/** The most cells of one file. */
const LARGEST = 2 ** 28;

/** A reader of a format, and what to do about a file that it refuses. */
interface Reader {
  /** They answer with the content, or say why there is none. */
  readonly threads: Threads;
  /** What the format is called. */
  readonly format: string;
  readonly hint: string;
}

/** The memory of a thread, in megabytes. */
export const MEMORY = 4096;

interface Refusal {
  readonly why: string;
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
  { threads, format, hint }: Reader,
): Promise<Content> {
  const bytes = readFile(file);
  const seconds = secondsFor(bytes.length);
  const thread = threads.take();
  let timer: NodeJS.Timeout | undefined;
  let said: Content | Refusal | undefined;
  try {
    said = await new Promise<Content | Refusal>((resolve, reject) => {
      thread.on("message", (message: "begun" | Content | Refusal) => {
        if (message !== "begun") return resolve(message);
        // Its start does not count: on a busy machine it takes longer than reading.
        timer = setTimeout(
          () => reject(new Error(`nothing came of it in ${seconds} s`)),
          1000 * seconds,
        );
      });
      thread.once("error", reject);
      thread.once("exit", () => reject(new Error("the reader broke off")));
      thread.postMessage({ bytes, mostCells: LARGEST });
    });
    if ("why" in said) throw new Error(said.why);
    return said;
  } catch (error) {
    throw new AssayError(
      "DATA_FORMAT",
      `${file} cannot be read as ${format}: ${messageOf(error)}`,
      hint,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    if (said) threads.keep(thread);
    else await thread.terminate();
  }
}
