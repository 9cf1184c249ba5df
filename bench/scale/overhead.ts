import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openClaims, openPool, openStore, ownHands, perform } from "#audit";
import { emptyWorks } from "./empty-works.ts";

/** Empty works, so that children start for a small part of the time. */
const WORKS = 2000;

/** Milliseconds that a work may cost beside what it computes. */
const GOAL = 5;

/**
 * Prints what a work costs that computes nothing: to schedule it, to claim it, to send
 * it to a worker, and to keep its record. What it costs to keep records alone is the
 * floor.
 */
export async function overhead(): Promise<void> {
  const floor = await within((folder) => writing(folder));
  const own = await within((folder) => performing(folder, 0));
  const workers = await within((folder) => performing(folder, 2));
  const line = (title: string, ms: number, goal = "") =>
    console.log(`${title.padEnd(34)}${ms.toFixed(2)} ms each${goal}`);
  line("records written, and nothing else", floor);
  line("empty works in this process", own, ` (goal ${GOAL})`);
  line("empty works by 2 workers", workers, ` (goal ${GOAL})`);
}

/** Milliseconds for each work, in a folder of its own. */
async function within(act: (folder: string) => Promise<void>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  try {
    const since = performance.now();
    await act(folder);
    return (performance.now() - since) / WORKS;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function writing(folder: string): Promise<void> {
  for (const work of emptyWorks({ folder, count: WORKS })) await work.run();
}

async function performing(folder: string, workers: number): Promise<void> {
  const input = { folder, count: WORKS };
  const hands =
    workers === 0
      ? ownHands()
      : openPool({
          module: new URL("./empty-works.js", import.meta.url),
          input,
          count: workers,
          threads: 1,
          onEvent: () => {},
        });
  const claims = openClaims(folder);
  await perform(emptyWorks(input), {
    hands,
    store: openStore(folder),
    claims,
    onEvent: () => {},
  });
  await Promise.all([hands.close(), claims.close()]);
}
