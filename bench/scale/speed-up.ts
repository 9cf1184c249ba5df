import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditOptions, runAudit } from "#audit";
import { packagePath } from "#core";

/** How a run is computed. */
type Way = Pick<AuditOptions, "only" | "workers" | "threads">;

/** A run in two ways, of which the second should be so many times as fast. */
interface Comparison {
  readonly suite: string;
  readonly only?: readonly string[];
  readonly title: string;
  readonly slow: Way;
  readonly fast: Way;
  readonly goal: number;
}

const one: Way = { workers: 1 };
const best: Way = { workers: "auto" };

const comparisons: readonly Comparison[] = [
  {
    suite: "demo",
    title: "2 workers of one thread, against 1",
    slow: { workers: 1, threads: 1 },
    fast: { workers: 2, threads: 1 },
    goal: 1.9,
  },
  {
    suite: "finetuning-threats",
    only: ["full/none/*"],
    title: "its trials without a repair, 2 workers of one thread, against 1",
    slow: { workers: 1, threads: 1 },
    fast: { workers: 2, threads: 1 },
    goal: 1.9,
  },
  {
    suite: "demo",
    title: "as many as do best, against one process",
    slow: one,
    fast: best,
    goal: 1.3,
  },
  {
    suite: "finetuning-threats",
    // The whole suite takes a quarter of an hour and more.
    only: ["full/none/*"],
    title:
      "its trials without a repair, as many as do best, against one process",
    slow: one,
    fast: best,
    goal: 1.3,
  },
];

/**
 * Prints how much faster whole suites are computed by several workers, reading and
 * judging included. Both ways take turns, so that what else the machine does falls on
 * both.
 */
export async function speedUp(rounds: number): Promise<void> {
  for (const { suite, only, title, slow, fast, goal } of comparisons) {
    const path = packagePath("suites", `${suite}.yaml`);
    for (let round = 0; round < rounds; round++) {
      const before = await secondsOf(path, { only, ...slow });
      const after = await secondsOf(path, { only, ...fast });
      console.log(
        `${suite}: ${title}: ${before.toFixed(0)} s and ${after.toFixed(0)} s, ${(before / after).toFixed(2)} times as fast (goal ${goal})`,
      );
    }
  }
}

async function secondsOf(suite: string, way: Way): Promise<number> {
  const out = mkdtempSync(join(tmpdir(), "assay-"));
  try {
    const since = performance.now();
    await runAudit({ suite, out, engine: {}, ...way });
    return (performance.now() - since) / 1000;
  } finally {
    rmSync(out, { recursive: true });
  }
}
