import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type AuditOptions, runAudit } from "#audit";
import { packagePath } from "#core";

/** How a run is computed. */
type Way = Pick<AuditOptions, "only" | "workers" | "threads" | "limits">;

/** A run in two ways, of which the second should be so many times as fast. */
interface Comparison {
  readonly suite: string;
  readonly only?: readonly string[];
  /** What of the suite that is. */
  readonly of: string;
  readonly title: string;
  readonly slow: Way;
  readonly fast: Way;
  readonly goal: number;
}

/** This process alone, with all cores. */
const one: Way = { workers: 1 };
const best: Way = { workers: "auto" };

/**
 * One worker of one thread. Work that has a limit of memory is done by a worker, as
 * that of two is: this process would collect garbage on cores that it was not given.
 */
const single: Way = {
  workers: 1,
  threads: 1,
  limits: { memory: totalmem() },
};
const double: Way = { workers: 2, threads: 1 };

const trials = {
  suite: "finetuning-threats",
  only: ["full/none/*"],
  of: "its trials without a repair",
};
const demo = { suite: "demo", of: "all of it" };

const comparisons: readonly Comparison[] = [
  ...[trials, demo].map((subject) => ({
    ...subject,
    title: "2 workers of one thread, against 1",
    slow: single,
    fast: double,
    goal: 1.9,
  })),
  ...[demo, trials, { suite: "finetuning-threats", of: "all of it" }].map(
    (subject) => ({
      ...subject,
      title: "as many workers as do best, against one process",
      slow: one,
      fast: best,
      goal: 1.3,
    }),
  ),
];

/**
 * Prints how much faster whole suites are computed by several workers, reading and
 * judging included. Both ways take turns, so that what else the machine does falls on
 * both.
 */
export async function speedUp(rounds: number): Promise<void> {
  for (const { suite, only, of, title, slow, fast, goal } of comparisons) {
    const path = packagePath("suites", `${suite}.yaml`);
    for (let round = 0; round < rounds; round++) {
      const before = await secondsOf(path, { only, ...slow });
      const after = await secondsOf(path, { only, ...fast });
      console.log(
        `${suite}, ${of}: ${title}: ${before.toFixed(0)} s and ${after.toFixed(0)} s, ${(before / after).toFixed(2)} times as fast (goal ${goal})`,
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
