import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AssayError, InterruptedError, UsageError } from "#core";
import type { AuditEvent } from "../../../src/audit/events.ts";
import { openStore } from "../../../src/audit/store.ts";
import {
  costsOf,
  HandDied,
  NoHands,
  ownHands,
  type PerformOptions,
  perform,
  type Work,
} from "../../../src/audit/works/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { runs } from "../../runs.ts";
import { fakeWork, manyHands, moment } from "./fake.ts";

const folder = temporaryFolder();
let stores = 0;
const freshStore = () => openStore(join(folder, String(stores++)));

type Told = Extract<AuditEvent, { kind: "work" }>;

/** Performs, and gives what was told of works. */
async function performed(
  wanted: readonly Work[],
  options: Partial<PerformOptions> & Pick<PerformOptions, "store">,
) {
  const told: Told[] = [];
  const failures = await perform(wanted, {
    hands: ownHands(),
    onEvent: (event) => event.kind === "work" && told.push(event),
    ...options,
  });
  return { failures, told };
}

const statesOf = (told: readonly Told[]) =>
  told.map(({ work, state }) => `${work} ${state}`);

test("each work is done once and after what it needs, by as many hands as there are", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(), { maxLength: 3 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 4 }),
      async (graph, count) => {
        const store = freshStore();
        const ran: string[] = [];
        let [running, most] = [0, 0];
        const works: Work[] = [];
        graph.forEach((needs, i) => {
          const needed = i === 0 ? [] : needs.map((n) => works[n % i]!);
          const act = async () => {
            most = Math.max(most, ++running);
            for (const need of needed)
              expect(store.read(need.record)).toEqual({ id: need.id });
            ran.push(`w${i}`);
            await Promise.resolve();
            running--;
          };
          works.push(fakeWork(store, `w${i}`, { needs: needed, act }));
        });
        const { failures } = await performed(works, {
          store,
          hands: manyHands(count),
        });
        expect(failures).toEqual([]);
        expect([...ran].sort()).toEqual(works.map(({ id }) => id).sort());
        expect(most).toBeLessThanOrEqual(count);
      },
    ),
    runs(20),
  );
});

test("what is in the store is not made again, nor is what it needed looked at", async () => {
  const store = freshStore();
  const ran: string[] = [];
  const work = (id: string, needs: readonly Work[] = []) =>
    fakeWork(store, id, { needs, act: () => ran.push(id) });
  const [a, b] = [work("a"), work("b")];
  const c = work("c", [a, b]);
  const d = work("d", [b]);
  store.write(c.record, { id: "c" });
  const { told } = await performed([c, d], { store });
  expect(ran).toEqual(["b", "d"]);
  expect(statesOf(told)).toEqual([
    "c kept",
    "b started",
    "b done",
    "d started",
    "d done",
  ]);
  expect(told.at(-1)).toMatchObject({
    done: 3,
    total: 3,
    running: 0,
    failed: 0,
    waiting: 0,
    left: 0,
  });
});

test("a damaged record is made again, with what it needs", async () => {
  const path = join(folder, "damaged");
  const warnings: string[] = [];
  const store = openStore(path, (message) => warnings.push(message));
  const a = fakeWork(store, "a");
  const b = fakeWork(store, "b", { needs: [a] });
  await performed([b], { store });
  writeFileSync(store.path(b.record), "{}");
  const { told } = await performed([b], { store });
  expect(statesOf(told)).toEqual(["a kept", "b started", "b done"]);
  expect(store.read(b.record)).toEqual({ id: "b" });
  expect(warnings).toHaveLength(1);
});

test("what fails takes with it what needs it and nothing else, and is tried again by the next call", async () => {
  const store = freshStore();
  const ran: string[] = [];
  let broken = true;
  const act = () => {
    if (broken) throw new UsageError("NO_SUCH", "no such column", "Name one.");
  };
  const a = fakeWork(store, "a", { act });
  const b = fakeWork(store, "b", { needs: [a] });
  const c = fakeWork(store, "c", { needs: [b] });
  const odd = fakeWork(store, "odd", {
    act: () => broken && Promise.reject(new TypeError("x is\nnot")),
  });
  const d = fakeWork(store, "d", { act: () => ran.push("d") });
  const e = fakeWork(store, "e", { needs: [odd, c] });
  for (const count of [1, 3]) {
    const { failures, told } = await performed([c, d, e], {
      store,
      hands: manyHands(count),
    });
    const lost = { kind: "cell", code: "NEED_FAILED" };
    expect(failures).toMatchObject([
      {
        work: "a",
        kind: "cell",
        code: "NO_SUCH",
        message: "no such column",
        hint: "Name one.",
        because: null,
      },
      {
        ...lost,
        work: "b",
        message: "it needs a, which failed",
        hint: "Name one.",
        because: "a",
      },
      {
        ...lost,
        work: "c",
        message: "it needs a, which failed",
        hint: "Name one.",
        because: "a",
      },
      {
        work: "odd",
        kind: "cell",
        code: "UNEXPECTED",
        message: "x is not",
        hint: "This is a fault in Assay; please report it.",
        because: null,
      },
      expect.objectContaining({ work: "e", because: "odd" }),
    ]);
    expect(told.at(-1)).toMatchObject({ done: 1, failed: 5, waiting: 0 });
  }
  expect(ran).toEqual(["d"]);
  broken = false;
  const { failures, told } = await performed([c, d, e], { store });
  expect(failures).toEqual([]);
  expect(told.filter(({ state }) => state === "done")).toHaveLength(5);
});

test("a work whose hand died is tried once more, and then has failed", async () => {
  const store = freshStore();
  const tries = new Map<string, number>();
  const hands = manyHands(2, async (work) => {
    const count = (tries.get(work.id) ?? 0) + 1;
    tries.set(work.id, count);
    if (work.id === "never" || (work.id === "once" && count === 1))
      throw new HandDied("was killed (SIGKILL)");
    await work.run();
  });
  const works = ["never", "once", "well"].map((id) => fakeWork(store, id));
  const { failures } = await performed(works, { store, hands });
  expect(failures).toMatchObject([
    {
      work: "never",
      code: "WORKER_DIED",
      message: "the worker that computed it was killed (SIGKILL)",
    },
  ]);
  expect([...tries]).toEqual([
    ["never", 2],
    ["once", 2],
    ["well", 1],
  ]);
});

test("where nobody can do anything, it ends with the one reason", async () => {
  const store = freshStore();
  const hands = manyHands(2, async () => {
    throw new NoHands("WORKER_START", "no worker starts", "See to it.");
  });
  const works = ["a", "b", "c"].map((id) => fakeWork(store, id));
  await expect(performed(works, { store, hands })).rejects.toThrow(
    "no worker starts",
  );
});

/** Hands whose works end only when they are stopped. */
const endless = (count: number, stopped: string[]) =>
  manyHands(
    count,
    (work, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", async () => {
          await moment(20);
          stopped.push(work.id);
          reject(new InterruptedError());
        });
      }),
  );

test("an interruption stops what runs, and is told when nothing runs any more", async () => {
  const store = freshStore();
  const stopped: string[] = [];
  const works = ["a", "b", "c"].map((id) => fakeWork(store, id));
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 10);
  const run = performed(works, {
    store,
    hands: endless(2, stopped),
    signal: abort.signal,
  });
  await expect(run).rejects.toBeInstanceOf(InterruptedError);
  expect(stopped).toEqual(["a", "b"]);
  await expect(
    performed(works, { store, signal: abort.signal }),
  ).rejects.toBeInstanceOf(InterruptedError);
  const own = fakeWork(store, "own", {
    act: () => {
      throw new InterruptedError();
    },
  });
  await expect(performed([own, ...works], { store })).rejects.toBeInstanceOf(
    InterruptedError,
  );
  expect(works.map(({ record }) => store.read(record))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("a work that takes too long is stopped and has failed", async () => {
  const store = freshStore();
  const stopped: string[] = [];
  const slow = endless(1, stopped);
  const hands = manyHands(2, (work, signal) =>
    work.id === "slow" ? slow.perform(work, signal, () => {}) : work.run(),
  );
  const works = ["slow", "quick"].map((id) => fakeWork(store, id));
  const { failures } = await performed(works, {
    store,
    hands,
    limits: { work: 0.05 },
  });
  expect(failures).toMatchObject([{ work: "slow", code: "TIME_LIMIT" }]);
  expect(stopped).toEqual(["slow"]);
  expect(store.read(works[1]!.record)).toBeDefined();
});

test("a work may wait as long as it likes for a hand, and take so long from then on", async () => {
  const store = freshStore();
  const works = ["slow", "quick"].map((id) => fakeWork(store, id));
  const slow = endless(1, []);
  const { failures, told } = await performed(works, {
    store,
    hands: {
      ...manyHands(2),
      async perform(work, signal, begun) {
        await moment(1000);
        begun();
        await (work.id === "slow"
          ? slow.perform(work, signal, () => {})
          : work.run());
      },
    },
    limits: { work: 0.5 },
  });
  expect(failures).toMatchObject([{ work: "slow", code: "TIME_LIMIT" }]);
  const quick = told.find((t) => t.work === "quick" && t.state === "done");
  expect(quick?.seconds).toBeLessThan(1);
});

test("works for which there is no memory beside others wait for these", async () => {
  for (const room of [1, 2]) {
    const store = freshStore();
    let now = 0;
    let most = 0;
    const works = [1, 2, 3, 4].map((i) =>
      fakeWork(store, `work ${i}`, {
        act: async () => {
          most = Math.max(most, ++now);
          await moment(5);
          now--;
        },
      }),
    );
    const hands = { ...manyHands(4), hasRoom: () => now < room };
    const { failures } = await performed(works, { store, hands });
    expect(failures).toEqual([]);
    expect(most).toBe(room);
  }
});

test("at its limit the run stops, and says of what is missing why", async () => {
  const store = freshStore();
  const quick = fakeWork(store, "quick");
  const bad = fakeWork(store, "bad", {
    act: () => {
      throw new AssayError("BAD", "bad", "");
    },
  });
  const slow = fakeWork(store, "slow", { needs: [quick] });
  const behind = fakeWork(store, "behind", { needs: [slow] });
  const both = fakeWork(store, "both", { needs: [slow, bad] });
  const slowHands = endless(1, []);
  const { failures } = await performed([bad, behind, both], {
    store,
    hands: manyHands(2, (work, signal) =>
      work.id === "slow"
        ? slowHands.perform(work, signal, () => {})
        : work.run(),
    ),
    limits: { run: 0.05 },
  });
  expect(failures.map(({ work, code }) => `${work} ${code}`)).toEqual([
    "bad BAD",
    "slow TIME_LIMIT",
    "behind TIME_LIMIT",
    "both NEED_FAILED",
  ]);
  expect(store.read(quick.record)).toBeDefined();
});

test("works with the same record are one work", async () => {
  const store = freshStore();
  let count = 0;
  const twin = (id: string): Work => ({
    ...fakeWork(store, "twin", { act: () => count++ }),
    id,
  });
  const user = fakeWork(store, "user", { needs: [twin("second")] });
  await performed([twin("first"), user], { store });
  expect(count).toBe(1);
  expect(store.read(user.record)).toBeDefined();
});

test("the time left follows from what works cost, once that is known", async () => {
  const store = freshStore();
  const cells = [1, 2, 3].map((size) =>
    fakeWork(store, `cell ${size}`, { size, act: () => moment(120 * size) }),
  );
  const trial = fakeWork(store, "trial", {
    kind: "trial",
    needs: cells,
    act: () => moment(250),
  });
  const costs = costsOf();
  const { told } = await performed([trial], { store, costs });
  expect(told[0]!.left).toBeNull();
  // What a trial takes is guessed by cells.
  expect(told.at(-2)!.left).toBeGreaterThan(0);
  expect(costs.secondsOf({ kind: "cell", size: 10 })).toBeGreaterThan(1);
  const again = freshStore();
  const more = [4, 5].map((size) =>
    fakeWork(again, `cell ${size}`, { size, act: () => moment(50) }),
  );
  const second = await performed(more, { store: again, costs });
  expect(second.told[0]!.left).toBeGreaterThan(0.7);
  expect(second.told.at(-1)!.left).toBe(0);
});
