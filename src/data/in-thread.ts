import { AssayError, messageOf } from "#core";
import { secondsFor, type Threads } from "./threads.ts";

/** The most cells that are read at once. */
export const MOST_CELLS = 2 ** 28;

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

/**
 * What a reader that is not ours finds in a file. It reads in a thread that is
 * stopped when it takes too long or too much memory: of a damaged file a reader
 * may loop for as long as a damaged count says.
 *
 * @param asked what the thread is told
 * @param bytes how many it reads at most
 * @throws DATA_FORMAT
 */
export async function readInThread<Content extends object>(
  file: string,
  asked: object,
  bytes: number,
  { threads, format, hint }: Reader,
): Promise<Content> {
  const seconds = secondsFor(bytes);
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
      thread.postMessage(asked);
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
