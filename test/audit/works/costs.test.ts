import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { openStore } from "../../../src/audit/store.ts";
import {
  costsOf,
  estimate,
  peaksOf,
  remembered,
  type Split,
} from "../../../src/audit/works/index.ts";
import { fits, memoryHere } from "../../../src/audit/works/room.ts";
import { bestSplit } from "../../../src/audit/works/split.ts";
import { usualBy } from "../../../src/audit/works/usual.ts";
import { temporaryFolder } from "../../folder.ts";
import { runs } from "../../runs.ts";
import { fakeWork } from "./fake.ts";

const folder = temporaryFolder();
let caches = 0;
beforeEach(() => {
  vi.stubEnv("ASSAY_CACHE", join(folder, `cache ${caches++}`));
});

/** Seconds that works take to begin, and of a pass. */
const [START, PASS] = [0.02, 0.001];

const usually = usualBy({
  pass: PASS,
  rows: [
    ["cell", START, 2],
    ["examples", START, 4],
    ["examples square", START, 8],
  ],
  defenses: [["jpeg", 1e-5]],
});

const cell = (size: number) => ({ kind: "cell", size }) as const;

test("what works cost is learned by kind and size, and follows what changes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), {
        minLength: 1,
        maxLength: 20,
      }),
      fc.double({ min: 1e-3, max: 10, noNaN: true }),
      (sizes, rate) => {
        const costs = costsOf(new Map(), usually);
        expect(costs.knows(cell(1))).toBe(false);
        expect(costs.secondsOf(cell(5))).toBeCloseTo(START + 10 * PASS);
        for (const size of sizes) costs.learn(cell(size), START + rate * size);
        expect((costs.secondsOf(cell(7))! - START) / (7 * rate)).toBeCloseTo(
          1,
          9,
        );
        expect(costs.knows(cell(1))).toBe(true);
        expect(costs.knows({ kind: "trial" })).toBe(false);
        for (let i = 0; i < 60; i++) costs.learn(cell(100), START + 300 * rate);
        const factor = (costs.secondsOf(cell(1))! - START) / rate;
        expect(factor).toBeGreaterThan(2.9);
        expect(factor).toBeLessThanOrEqual(3 + 1e-9);
      },
    ),
    runs(),
  );
});

test("what a defence in front of a model takes is added for each number of a sample", () => {
  const [values, size] = [300, 5];
  const [model, inFront] = [2 * size * PASS, 2 * size * values * 1e-5];
  const defense = { units: ["jpeg"], values };
  const none = { kind: "examples", sort: ["pgd", "none"], size } as const;
  const jpeg = { ...none, sort: ["pgd", "jpeg"], defense };
  const costs = costsOf(new Map(), usually);
  expect(costs.secondsOf({ ...cell(size), defense })).toBeCloseTo(
    START + model + inFront,
  );
  // Twice as slow in all: so is what has no defence, which has its share.
  costs.learn(jpeg, START + 2 * (2 * model + 2 * inFront));
  expect(costs.secondsOf(jpeg)).toBeCloseTo(START + 4 * (model + inFront));
  expect(costs.secondsOf(none)).toBeCloseTo(START + 4 * model);
  // What is learned without it is no reason to forget it.
  costs.learn({ ...none, sort: ["square", "none"] }, START + 7);
  const other = { ...none, sort: ["square", "jpeg"], defense };
  expect(costs.secondsOf(other)).toBeCloseTo(START + 7 + 4 * inFront);
});

test("what others took that are most like a work tells most, and those of other units nothing", () => {
  const costs = costsOf(new Map(), usually);
  const like = (...sort: string[]) =>
    ({ kind: "examples", sort, size: 1 }) as const;
  costs.learn(like("pgd", "full"), START + 1);
  costs.learn(like("pgd", "robust"), START + 3);
  costs.learn(like("square", "full"), START + 11);
  expect(costs.secondsOf(like("pgd", "full"))).toBeCloseTo(START + 1);
  const pgd = (0.9 * 1 + 3) / 1.9;
  expect(costs.secondsOf(like("pgd", "other"))).toBeCloseTo(START + pgd);
  expect(costs.knows(like("fgsm"))).toBe(false);
  // However little there is to do, a work is opened and kept.
  costs.learn(cell(5), START / 2);
  expect(costs.secondsOf(cell(500))).toBe(START);
});

test("works of which nothing was learned take what such works usually do, by what a pass takes here", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 20, noNaN: true }),
      fc.integer({ min: 1, max: 1e6 }),
      (factor, size) => {
        const costs = costsOf(new Map(), usually);
        const of = (...sort: string[]) =>
          ({ kind: "examples", sort, size }) as const;
        const guess = (sized = of("square")) =>
          (costs.secondsOf(sized) - START) / size / PASS;
        expect(guess()).toBeCloseTo(8);
        expect(guess(of("pgd"))).toBeCloseTo(4);
        // Passes here take so many times what they usually do.
        costs.learn(cell(1e6), START + 2e6 * factor * PASS);
        expect(guess() / (8 * factor)).toBeCloseTo(1, 1);
        expect(guess(of("pgd")) / (4 * factor)).toBeCloseTo(1, 1);
        const measured = costs.secondsOf(of("pgd"), 3 * PASS);
        expect((measured - START) / size / PASS).toBeCloseTo(12);
      },
    ),
    runs(),
  );
});

test("it is remembered by machine and engine, and a damaged memory is none", async () => {
  const one = remembered("an engine 1.0");
  one.costs.learn(cell(2), 3);
  const measured: Split[] = [];
  const measure = async (split: Split) => {
    measured.push(split);
    return split.workers;
  };
  const split = await one.split(measure);
  one.save();
  const two = remembered("an engine 1.0");
  expect(two.costs.secondsOf(cell(2))).toBe(3);
  const count = measured.length;
  expect(count).toBeGreaterThan(0);
  expect(await two.split(measure)).toEqual(split);
  expect(measured).toHaveLength(count);
  const other = remembered("an engine 2.0");
  expect(other.costs.knows(cell(4))).toBe(false);
  const cache = process.env.ASSAY_CACHE!;
  const [file] = readdirSync(cache);
  writeFileSync(
    join(cache, file!),
    '{"rates":[["cell",{"seconds":1,"size":0}]]}',
  );
  const damaged = remembered("an engine 1.0");
  expect(damaged.costs.knows(cell(4))).toBe(false);
});

test("what smoke runs take is remembered apart from whole ones", () => {
  const whole = remembered("an engine 1.0");
  whole.costs.learn(cell(2), 3);
  whole.save();
  const smoke = remembered("an engine 1.0", true);
  expect(smoke.costs.knows(cell(2))).toBe(false);
  smoke.costs.learn(cell(2), 1);
  smoke.save();
  expect(remembered("an engine 1.0").costs.secondsOf(cell(2))).toBe(3);
  expect(remembered("an engine 1.0", true).costs.secondsOf(cell(2))).toBe(1);
});

test("what memory works take is the most that was seen, and forgotten slowly", () => {
  const one = remembered("an engine 1.0");
  expect(one.peaks.bytesOf("cell")).toBeUndefined();
  one.peaks.learn("cell", 4e8);
  one.peaks.learn("trial", 9e8);
  one.peaks.learn("cell", 3e8);
  expect(one.peaks.bytesOf("cell")).toBeCloseTo(3.9e8);
  // What was never seen may take as much as anything that was.
  expect(one.peaks.bytesOf("model")).toBe(9e8);
  one.save();
  const { peaks } = remembered("an engine 1.0");
  expect(peaks.bytesOf("trial")).toBe(9e8);
  expect([peaks.knows("trial"), peaks.knows("model")]).toEqual([true, false]);
  for (let i = 0; i < 60; i++) peaks.learn("trial", 1e8);
  expect(peaks.bytesOf("trial")).toBeLessThan(1.1e8);
});

test("works fit beside each other by what such works took, and a limit is the most", () => {
  const peaks = peaksOf();
  expect(fits(["cell", "trial"], peaks, undefined, 0)).toBe(true);
  peaks.learn("cell", 400);
  peaks.learn("trial", 900);
  expect(fits(["cell", "trial"], peaks, undefined, 1300)).toBe(true);
  expect(fits(["cell", "trial"], peaks, undefined, 1299)).toBe(false);
  expect(fits(["cell", "trial"], peaks, 500, 900)).toBe(true);
  expect(memoryHere()).toBeGreaterThan(1e8);
});

test("a memory that cannot be written is no fault", () => {
  const file = join(folder, "a file");
  writeFileSync(file, "");
  vi.stubEnv("ASSAY_CACHE", join(file, "below"));
  const one = remembered("an engine");
  one.costs.learn(cell(1), 1);
  one.save();
  expect(remembered("an engine").costs.knows(cell(1))).toBe(false);
});

test("cores are shared out such that most is done, with few workers where that is as good", async () => {
  /** Workers that get nothing out of a second thread, on so many cores. */
  const alone =
    (most: number) =>
    async ({ workers }: Split) =>
      Math.min(workers, most);
  expect(await bestSplit(alone(8), 8)).toEqual({ workers: 8, threads: 1 });
  // Four cores with two names each.
  expect(await bestSplit(alone(4), 8)).toEqual({ workers: 4, threads: 2 });
  const perfect = async ({ workers, threads }: Split) => workers * threads;
  expect(await bestSplit(perfect, 6)).toEqual({ workers: 1, threads: 6 });
  expect(await bestSplit(perfect, 1)).toEqual({ workers: 1, threads: 1 });
  let seconds = 0;
  await bestSplit(async ({ workers, threads }, each) => {
    expect(workers * threads).toBeLessThanOrEqual(12);
    seconds += each;
    return 1;
  }, 12);
  expect(seconds).toBeCloseTo(1, 9);
});

test("an estimate is what the schedule takes in virtual time, of what is missing", () => {
  const store = openStore(join(folder, "estimated"));
  const base = fakeWork(store, "base", { kind: "model", size: 10 });
  const cells = [1, 2, 3, 4].map((size) =>
    fakeWork(store, `cell ${size}`, { size, needs: [base] }),
  );
  const costs: Parameters<typeof estimate>[2] = {
    secondsOf: ({ kind, size }) => (kind === "model" ? 20 : size),
  };
  // Base, then 4 and 3, then 1 behind 4 and 2 behind 3.
  expect(estimate(cells, store, costs, 2)).toEqual({
    works: 5,
    kept: 0,
    time: { end: 25, total: 30, path: 24 },
  });
  store.write(base.record, {});
  store.write(cells[3]!.record, {});
  expect(estimate(cells, store, costs, 1)).toEqual({
    works: 3,
    kept: 2,
    time: { end: 6, total: 6, path: 3 },
  });
});
