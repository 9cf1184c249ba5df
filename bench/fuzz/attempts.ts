import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AssayError, messageOf, Random } from "#core";
import { mutated } from "./mutated.ts";
import type { Reader } from "./readers.ts";

/**
 * Reads one mutated file after the other: file n of a seed is always the same.
 *
 * @param folder where the file is written
 * @param onStart told the number of each before it is read
 * @returns what came out that is neither a result nor an error of one line
 */
export async function attempts(
  { file, seeds, read }: Reader,
  { seed, from, count }: { seed: number; from: number; count: number },
  folder: string,
  onStart: (n: number) => void = () => {},
): Promise<{ n: number; what: string }[]> {
  const finds: { n: number; what: string }[] = [];
  const path = join(folder, file);
  for (let n = from; n < from + count; n++) {
    const random = new Random(`${seed}/${n}`);
    writeFileSync(path, mutated(seeds[n % seeds.length]!, random));
    onStart(n);
    try {
      await read(path);
    } catch (error) {
      if (!isClear(error))
        finds.push({
          n,
          what:
            error instanceof Error
              ? (error.stack ?? error.message)
              : messageOf(error),
        });
    }
  }
  return finds;
}

/** An error that says in a line, or in a few of several problems, what to do. */
const isClear = (error: unknown): boolean =>
  error instanceof AssayError && error.message !== "" && error.hint !== "";
