import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { type Standing, standingsIn } from "#audit";
import { duration, line } from "#core";
import { page } from "./pages.ts";
import type { FoundRun } from "./runs.ts";

/** Milliseconds between two looks at a run that goes on. */
const LOOK = 500;

/** Works that run, and are named. */
const NAMED = 12;

/** How far a command is, in a sentence. */
export function standingText(standing: Standing): string {
  const { done, total, running, waiting, failed, left } = standing;
  return [
    `${done} of ${total} works done`,
    ...(running.length > 0 ? [`${running.length} running`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(left ? [`about ${duration(rounded(left))} left`] : []),
  ].join(", ");
}

/** Seconds to the minute, where there is one. */
const rounded = (seconds: number): number =>
  seconds < 60 ? Math.max(1, seconds) : 60 * Math.round(seconds / 60);

/** How far the commands are that work on a run, as a part of its page. */
export const livePart = (standings: readonly Standing[]): string =>
  page("live", {
    commands: standings.map((standing) => ({
      text: standingText(standing),
      done: standing.done,
      total: Math.max(1, standing.total),
      running: standing.running.slice(0, NAMED).map(({ work, far }) => ({
        work: line(work),
        far: line(far),
      })),
      more: Math.max(0, standing.running.length - NAMED),
      failures: standing.failures.map(({ work, why }) => ({
        work: line(work),
        why: line(why),
      })),
    })),
  });

/** Tells a page how far its run is, whenever that changes, until nobody works on it. */
export const follow = (c: Context, { folder }: FoundRun): Response =>
  streamSSE(c, async (stream) => {
    let told = "";
    while (!stream.aborted && c.req.raw.method !== "HEAD") {
      const standings = standingsIn(folder);
      if (standings.length === 0) {
        await stream.writeSSE({ event: "ended", data: "" });
        return;
      }
      const part = livePart(standings);
      if (part !== told) await stream.writeSSE({ data: part });
      told = part;
      await stream.sleep(LOOK);
    }
  });
