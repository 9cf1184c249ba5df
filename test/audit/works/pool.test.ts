import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { InterruptedError, packagePath, UsageError } from "#core";
import type { AuditEvent } from "../../../src/audit/events.ts";
import { openStore } from "../../../src/audit/store.ts";
import {
  HandDied,
  type Hands,
  NoHands,
  openPool,
  type PoolOptions,
  peaksOf,
  perform,
  type Work,
  type WorkKind,
} from "../../../src/audit/works/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { fakeWork, moment } from "./fake.ts";

// Children run what was built; `npm test` builds it first.

const root = temporaryFolder();
let folders = 0;

interface Place {
  readonly pool: Hands;
  readonly folder: string;
  readonly events: AuditEvent[];
  perform(id: string, signal?: AbortSignal): Promise<void>;
  /** The process that wrote a file. */
  by(file: string): number;
}

/** A pool whose works are called as they are in `child-works.mjs`. */
async function inPool(
  ids: readonly string[],
  use: (place: Place) => Promise<void>,
  options: Partial<PoolOptions> & { readonly start?: string } = {},
): Promise<void> {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  const events: AuditEvent[] = [];
  const pool = openPool({
    module: pathToFileURL(packagePath("test/audit/works/child-works.mjs")),
    input: { folder, ids, start: options.start },
    count: 1,
    threads: 3,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const perform = (id: string, signal = new AbortController().signal) =>
    pool.perform({ id, record: `${id}.done` } as Work, signal);
  const by = (file: string) => Number(readFileSync(join(folder, file), "utf8"));
  try {
    await use({ pool, folder, events, perform, by });
  } finally {
    await pool.close();
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await moment(10);
}

test("children do works one after the other, tell events, and end with the pool", async () => {
  const pids: number[] = [];
  await inPool(["tell", "threads", "other"], async (place) => {
    await place.perform("tell");
    await place.perform("threads");
    expect(place.by("tell.done")).toBe(place.by("threads.done"));
    expect(place.by("threads")).toBe(3);
    expect(place.events).toEqual([
      { kind: "progress", cell: "tell", share: Number.NaN, work: "tell" },
      { kind: "warning", message: "told" },
    ]);
    pids.push(place.by("tell.done"));
    expect(lives(pids[0]!)).toBe(true);
  });
  expect(lives(pids[0]!)).toBe(false);
});

test("what memory a work took is learned, and what has no room beside it is said", async () => {
  const peaks = peaksOf();
  await inPool(
    ["other", "modest 1"],
    async ({ pool }) => {
      const { signal } = new AbortController();
      const work = (id: string, kind: WorkKind) =>
        ({ id, kind, record: `${id}.done` }) as Work;
      await pool.perform(work("other", "cell"), signal, () => {});
      // A process of Node takes as much, and no machine of ours has so much.
      expect(peaks.bytesOf("cell")).toBeGreaterThan(2e7);
      expect(peaks.bytesOf("cell")).toBeLessThan(2e9);
      const second = pool.perform(work("modest 1", "cell"), signal, () => {});
      expect(pool.hasRoom?.(work("two", "cell"))).toBe(true);
      peaks.learn("trial", 1e15);
      expect(pool.hasRoom?.(work("three", "trial"))).toBe(false);
      await second;
    },
    { peaks },
  );
});

test("two works at once are done by two children", async () => {
  await inPool(
    ["modest 1", "modest 2"],
    async ({ perform, by }) => {
      await Promise.all([perform("modest 1"), perform("modest 2")]);
      expect(by("modest 1.done")).not.toBe(by("modest 2.done"));
    },
    { count: 2 },
  );
});

test("what a work throws keeps its class on the way, and its child lives on", async () => {
  await inPool(["refuse", "break", "other"], async ({ perform, by }) => {
    await perform("other");
    const error = await perform("refuse").catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      code: "REFUSED",
      message: "one\ntwo",
      hint: "Do.",
    });
    const odd = await perform("break").catch((thrown) => thrown);
    expect(odd.message).toBe("not a thing");
    expect(odd.stack).toContain("child-works.mjs");
    await expect(perform("unknown")).rejects.toMatchObject({
      code: "WORK_UNKNOWN",
    });
    const before = by("other.done");
    await perform("other");
    expect(by("other.done")).toBe(before);
  });
});

test("a child that dies costs its work, and another takes its place", async () => {
  await inPool(["once", "never", "other"], async ({ perform, by }) => {
    await perform("other");
    const before = by("other.done");
    const killed = await perform("once").catch((thrown) => thrown);
    expect(killed).toBeInstanceOf(HandDied);
    expect(killed.message).toContain("was killed (SIGKILL)");
    await perform("once");
    expect(by("once.done")).not.toBe(before);
    await expect(perform("never")).rejects.toThrow(/crashed \(SIGABRT\): \S/);
  });
});

test("a child that died while it had nothing to do costs nothing", async () => {
  await inPool(["other"], async ({ perform, by }) => {
    await perform("other");
    const pid = by("other.done");
    process.kill(pid, "SIGKILL");
    await until(() => !lives(pid));
    await moment(50);
    await perform("other");
    expect(by("other.done")).not.toBe(pid);
  });
});

test("a signal stops what is done, at once or by force", async () => {
  await inPool(["polite", "deaf", "other"], async ({ perform, by, folder }) => {
    for (const id of ["polite", "deaf"]) {
      const abort = new AbortController();
      const run = perform(id, abort.signal);
      await until(() => existsSync(join(folder, id)));
      abort.abort();
      await expect(run).rejects.toBeInstanceOf(InterruptedError);
      expect(lives(by(id))).toBe(false);
    }
    await perform("other");
    await expect(perform("other", AbortSignal.abort())).rejects.toBeInstanceOf(
      InterruptedError,
    );
  });
});

test("a work that takes too long is ended by force, and the others are done", async () => {
  await inPool(["first", "deaf", "other", "more"], async (place) => {
    const { pool, folder, by } = place;
    const store = openStore(folder);
    // The start of a child counts, which takes long on a busy machine.
    const before = performance.now();
    await place.perform("first");
    const seconds = 1 + Math.ceil((performance.now() - before) / 400);
    const works = ["deaf", "other", "more"].map((id) => ({
      ...fakeWork(store, id),
      record: `${id}.done`,
    }));
    const failures = await perform(works, {
      hands: pool,
      store,
      onEvent: () => {},
      limits: { work: seconds },
    });
    expect(failures).toMatchObject([
      {
        work: "deaf",
        code: "TIME_LIMIT",
        message: expect.stringMatching(/^it took longer than a work may \(/),
      },
    ]);
    expect(lives(by("deaf"))).toBe(false);
    expect(lives(by("more.done"))).toBe(true);
  });
});

test("where children die as they start, or cannot open the works, that is one clear error", async () => {
  const reason = async (start: string) => {
    let error: unknown;
    await inPool(
      ["other"],
      async ({ perform }) => {
        error = await perform("other").catch((thrown) => thrown);
      },
      { start },
    );
    expect(error).toBeInstanceOf(NoHands);
    return error;
  };
  expect(await reason("die")).toMatchObject({
    code: "WORKER_START",
    message: "no worker starts: the last one ended with status 7",
  });
  expect(await reason("throw")).toMatchObject({
    code: "NO_DATA",
    message: "no worker starts: no data",
    hint: "Get some.",
  });
});

test("a work that takes too much memory fails, unless what fills it was left by others", async () => {
  await inPool(
    ["hog", "leak", "modest"],
    async ({ perform, by }) => {
      await expect(perform("hog")).rejects.toMatchObject({
        code: "MEMORY_LIMIT",
        message: expect.stringMatching(
          /^the worker that computed it took \d+ MB of memory, more than it may \(250 MB\)$/,
        ),
      });
      await perform("leak");
      await perform("modest");
      expect(by("modest.done")).not.toBe(by("leak.done"));
    },
    { memory: 250e6 },
  );
});

test("children end when their parent is killed", async () => {
  const folder = join(root, "orphan");
  mkdirSync(folder);
  const parent = spawn(
    process.execPath,
    [packagePath("test/audit/works/pool-parent.mjs"), folder, "polite"],
    { stdio: "ignore" },
  );
  await until(() => existsSync(join(folder, "polite")));
  await moment(20);
  const pid = Number(readFileSync(join(folder, "polite"), "utf8"));
  expect(lives(pid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !lives(pid));
});
