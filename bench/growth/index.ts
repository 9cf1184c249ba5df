import { cellSweeps } from "./cells.ts";
import { graphSweeps } from "./graphs.ts";
import { sampleSweeps } from "./samples.ts";
import { grow, type Sweep } from "./sweep.ts";

/** Above this a cost grows faster than what it is of, noise aside. */
const MARKED = 1.2;

/** A step that takes less than this many seconds is noise, whatever its slope. */
const SHORT = 0.02;

const sweeps: readonly Sweep[] = [
  ...graphSweeps,
  ...sampleSweeps,
  ...cellSweeps,
];

/**
 * Prints how the processor time of each step grows as one thing is doubled, and marks
 * what grows faster than that.
 *
 * @param only steps, or what they grow over; all when left out
 */
export async function growth(only?: readonly string[]): Promise<void> {
  const line = (cells: readonly string[]) =>
    console.log(
      cells.map((c, i) => c.padEnd([22, 23, 30, 38][i] ?? 0)).join(""),
    );
  line(["step", "over", "sizes", "seconds", "exponent"]);
  for (const sweep of sweeps) {
    const { step, over, sizes } = sweep;
    if (only && !only.includes(step) && !only.includes(over)) continue;
    const { seconds, exponent } = await grow(sweep);
    const isMarked = exponent > MARKED && seconds.at(-1)! > SHORT;
    line([
      step,
      over,
      sizes.join(" "),
      seconds.map((s) => s.toPrecision(2)).join(" "),
      `${exponent.toFixed(2)}${isMarked ? " <- more than linear" : ""}`,
    ]);
  }
}
