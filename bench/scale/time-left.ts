import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runAudit } from "#audit";
import { packagePath } from "#core";

/** Suites whose works are of different kinds, and take from seconds to minutes. */
const suites = ["quick", "tabular", "sanitizers", "demo"];

/** When the bar is read, as shares of the time of all works. */
const SHARES = [0.1, 0.25, 0.5, 0.75];

/** How far off the time left may be a tenth of the time into a run. */
const FACTOR = 1.5;

/**
 * Prints what a run says is left of its time, over what really is: on a machine that
 * has never done such works, and once more with what it has learned. Works are done one
 * after the other, so that what else the machine does falls on all alike.
 *
 * @param _rounds each is run once
 * @param only names of suites
 */
export async function timeLeft(
  _rounds: number,
  only: readonly string[] = suites,
): Promise<void> {
  const before = process.env.ASSAY_CACHE;
  console.log(
    `time said to be left, over what was: goal within a factor of ${FACTOR} from 10 % on`,
  );
  for (const suite of only) {
    const folder = mkdtempSync(join(tmpdir(), "assay-time-left-"));
    process.env.ASSAY_CACHE = join(folder, "cache");
    try {
      for (const [i, title] of ["never done", "learned"].entries()) {
        const { seconds, ratios } = await said(suite, join(folder, String(i)));
        const isMet = ratios.every(
          (ratio) => ratio !== null && ratio <= FACTOR && ratio >= 1 / FACTOR,
        );
        console.log(
          `${suite}, ${title} (${seconds.toFixed(0)} s): ${ratios
            .map(
              (ratio, k) =>
                `${100 * SHARES[k]!} %: ${ratio === null ? "not said" : ratio.toFixed(2)}`,
            )
            .join(", ")}; ${isMet ? "met" : "not met"}`,
        );
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  if (before === undefined) delete process.env.ASSAY_CACHE;
  else process.env.ASSAY_CACHE = before;
}

/** What one run said, as its bar shows it: when a work begins or ends. */
async function said(suite: string, out: string) {
  const told: { readonly at: number; readonly left: number | null }[] = [];
  await runAudit({
    suite: packagePath("suites", `${suite}.yaml`),
    out,
    onEvent(event) {
      if (event.kind === "work" && event.state !== "kept")
        told.push({ at: performance.now() / 1000, left: event.left });
    },
  });
  const begin = told[0]!.at;
  const seconds = told.at(-1)!.at - begin;
  return {
    seconds,
    ratios: SHARES.map((share) => {
      const now = begin + share * seconds;
      const last = told.filter(({ at }) => at <= now).at(-1)!;
      if (last.left === null) return null;
      // The bar counts down from when it was told.
      const left = Math.max(0, last.left - (now - last.at));
      return left / ((1 - share) * seconds);
    }),
  };
}
