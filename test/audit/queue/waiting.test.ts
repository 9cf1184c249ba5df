import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { openQueue } from "../../../src/audit/queue/index.ts";
import { QUEUE } from "../../../src/audit/queue/queued.ts";
import { connected } from "../../../src/audit/queue/redis.ts";
import type { Work } from "../../../src/audit/works/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { noRedis, startRedis } from "../../redis.ts";

const folder = temporaryFolder();

const redis = noRedis ? (undefined as never) : await startRedis(folder);

const ends: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

// What a job has done is taken for kept.
const opened = (read: () => object | undefined = () => ({})) =>
  openQueue({
    url: redis.url,
    run: { version: "1", suite: "s.yaml", hash: "0", modules: [], out: folder },
    works: [],
    store: { folder, read } as never,
    onEvent: () => {},
  });

test.skipIf(noRedis)(
  "a work begins when a worker takes it, and not when it comes into the queue",
  async () => {
    const hands = await opened();
    ends.push(() => hands.close());
    const told: string[] = [];
    const done = hands
      .perform(
        { id: "one", record: "one.json" } as Work,
        new AbortController().signal,
        () => told.push("begun"),
      )
      .then(() => told.push("done"));
    await wait(500);
    expect(told).toEqual([]);
    // BullMQ leaves a connection open that it was given.
    const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    let finish = () => {};
    const worker = new Worker(
      QUEUE,
      () => new Promise((resolve) => (finish = () => resolve([]))),
      { connection },
    );
    ends.push(async () => {
      await worker.close();
      connection.disconnect();
    });
    while (told.length === 0) await wait(10);
    expect(told).toEqual(["begun"]);

    // A run that comes to a work that is being done already has not heard of that.
    const late = await opened();
    ends.push(() => late.close());
    const heard: string[] = [];
    const again = late.perform(
      { id: "one", record: "one.json" } as Work,
      new AbortController().signal,
      () => heard.push("begun"),
    );
    while (heard.length === 0) await wait(10);
    finish();
    await Promise.all([done, again]);
    expect(told).toEqual(["begun", "done"]);
  },
);

test.skipIf(noRedis)(
  "a work whose worker does not say what came of it has failed",
  async () => {
    const hands = await opened();
    const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    const worker = new Worker(QUEUE, async () => null, { connection });
    ends.push(async () => {
      await hands.close();
      await worker.close();
      connection.disconnect();
    });
    await expect(
      hands.perform(
        { id: "two", record: "two.json" } as Work,
        new AbortController().signal,
        () => {},
      ),
    ).rejects.toMatchObject({ code: "QUEUE_ANSWER" });
  },
);

test.skipIf(noRedis)(
  "a queue that is not there yet is waited for, and one that lets nobody in is not",
  async () => {
    const told: string[] = [];
    let waiting: ReturnType<typeof connected> | undefined;
    await redis.restart(async () => {
      const nobody = connected(redis.bare, () => {}, 0);
      await expect(nobody).rejects.toMatchObject({ code: "QUEUE_UNREACHABLE" });
      waiting = connected(redis.url, (line) => told.push(line), 600_000);
      while (told.length === 0) await wait(10);
    });
    (await waiting!).disconnect();
    expect(told).toEqual([
      expect.stringMatching(/^Waiting for the queue at .*ECONNREFUSED/),
    ]);
    const url = new URL(redis.url);
    url.password = "another";
    await expect(connected(url.href, () => {}, 600_000)).rejects.toMatchObject({
      code: "QUEUE_UNREACHABLE",
      message: expect.stringContaining("WRONGPASS"),
    });
  },
);

test.skipIf(noRedis)(
  "what is kept is done, though nobody heard of the end of its job",
  async () => {
    let kept: object | undefined;
    const hands = await opened(() => kept);
    ends.push(() => hands.close());
    const done = hands.perform(
      { id: "three", record: "three.json" } as Work,
      new AbortController().signal,
      () => {},
    );
    // A job that is on its way yet would come into the queue that is empty.
    const watch = new Redis(redis.url);
    while ((await watch.llen(`bull:${QUEUE}:wait`)) === 0) await wait(10);
    watch.disconnect();
    kept = {};
    await redis.clear();
    await done;
  },
);
