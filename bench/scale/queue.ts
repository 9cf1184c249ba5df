import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openQueue, type QueueOptions, serveQueue, type Work } from "#audit";
import { packageVersion } from "#core";

const WORKS = 20_000;

/** Works at once, each in a process of its own. */
const CONCURRENCY = 4;

/** Jobs that wait or run. */
const AHEAD = 200;

const GOALS = { second: 1000, milliseconds: 20 };

/**
 * Prints what a work costs that computes nothing, from this process through Redis to a
 * process of a worker and back. Needs redis-server.
 */
export async function queue(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  const port = 20_000 + (process.pid % 40_000);
  const redis = spawn(
    "redis-server",
    [
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
      ...["--appendonly", "yes", "--save", ""],
    ],
    { stdio: "ignore" },
  );
  const stop = new AbortController();
  try {
    await wait(1000);
    const url = `redis://127.0.0.1:${port}`;
    const served = serveQueue({
      url,
      module: new URL("./queue-works.js", import.meta.url),
      concurrency: CONCURRENCY,
      threads: 1,
      onLine: () => {},
      signal: stop.signal,
    });
    const run = {
      ...{ version: packageVersion(), suite: "", hash: "", out: folder },
      modules: [],
    };
    // Nothing is kept, and all is taken for done when its job is.
    const store = {
      folder,
      read: () => ({}),
    } as unknown as QueueOptions["store"];
    const hands = await openQueue({
      url,
      run,
      works: [],
      store,
      onEvent: () => {},
    });
    const performed = async (name: string, count: number, atOnce: number) => {
      let next = 0;
      const since = performance.now();
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          while (next < count) {
            const id = `${name} ${next++}`;
            const work = { id, record: id, needs: [] } as unknown as Work;
            await hands.perform(work, new AbortController().signal, () => {});
          }
        }),
      );
      return (performance.now() - since) / count;
    };
    await performed("first", AHEAD, AHEAD);
    const alone = await performed("alone", 500, 1);
    const each = await performed("all", WORKS, AHEAD);
    console.log(
      `one after the other through Redis ${alone.toFixed(2)} ms each (goal ${GOALS.milliseconds})`,
    );
    console.log(
      `${WORKS} through Redis by ${CONCURRENCY} processes: ${(1000 / each).toFixed(0)} a second (goal ${GOALS.second})`,
    );
    stop.abort();
    await Promise.all([hands.close(), served]);
  } finally {
    redis.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}
