import { overhead } from "./overhead.ts";
import { queue } from "./queue.ts";
import { sizes } from "./sizes.ts";
import { speedUp } from "./speed-up.ts";
import { timeLeft, traces } from "./time-left.ts";
import { usual } from "./usual.ts";
import { virtualTime } from "./virtual-time.ts";

/** What is measured when nothing is named, by its name. */
const parts: Readonly<Record<string, (rounds: number) => Promise<void>>> = {
  overhead,
  queue,
  "speed-up": speedUp,
  "virtual-time": virtualTime,
};

/** What is only done when it is named: it takes minutes, and some write files. */
const named: Readonly<Record<string, () => Promise<void>>> = {
  sizes,
  "time-left": timeLeft,
  traces,
  usual,
};

/**
 * Prints what works cost beside what they compute, how much faster several workers are,
 * and where scheduling ends.
 *
 * @param only names of parts; all when left out
 */
export async function scale(
  rounds: number,
  only: readonly string[] = Object.keys(parts),
): Promise<void> {
  for (const name of only) {
    console.log(`\n${name}`);
    await (parts[name] ?? named[name])?.(rounds);
  }
}
