import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import {
  scheduleOf,
  type WorkGraph,
} from "../../../src/audit/works/schedule.ts";
import { makespanOf } from "../../../src/audit/works/virtual-time.ts";
import { runs } from "../../runs.ts";

/** Works with needs among those before them, in an order of its own. */
const drawn = fc
  .array(
    fc.record({
      cost: fc.oneof(
        fc.constant(1),
        fc.double({ min: 0, max: 9, noNaN: true }),
      ),
      needs: fc.array(fc.nat(), { maxLength: 4 }),
    }),
    { maxLength: 60 },
  )
  .chain((works) =>
    fc
      .shuffledSubarray(
        works.map((_, i) => i),
        { minLength: works.length },
      )
      .map((names) => {
        const needsOf: number[][] = works.map(() => []);
        const costs = new Float64Array(works.length);
        works.forEach(({ cost, needs }, i) => {
          costs[names[i]!] = cost;
          needsOf[names[i]!] = i === 0 ? [] : needs.map((n) => names[n % i]!);
        });
        return graphOf(needsOf, costs);
      }),
  );

function graphOf(needsOf: number[][], costs: ArrayLike<number>): WorkGraph {
  const first = [0];
  for (const needs of needsOf) first.push(first.at(-1)! + needs.length);
  return {
    first: Int32Array.from(first),
    needs: Int32Array.from(needsOf.flat()),
    costs: Float64Array.from(costs),
  };
}

const needsIn = ({ first, needs }: WorkGraph, work: number) =>
  needs.subarray(first[work], first[work + 1]);

/** The longest path by its definition. */
function longest(graph: WorkGraph): number {
  const known = new Map<number, number>();
  const memo = (work: number): number => {
    const before = known.get(work);
    if (before !== undefined) return before;
    const own =
      graph.costs[work]! +
      Math.max(0, ...Array.from(needsIn(graph, work), memo));
    known.set(work, own);
    return own;
  };
  return Math.max(0, ...Array.from(graph.costs, (_, i) => memo(i)));
}

/** What hands do in virtual time: when each work begins, and when all has ended. */
function simulated(graph: WorkGraph, hands: number) {
  const schedule = scheduleOf(graph);
  const started = new Map<number, number>();
  let running: { work: number; end: number }[] = [];
  let now = 0;
  for (;;) {
    while (running.length < hands) {
      const work = schedule.next();
      if (work === undefined) break;
      started.set(work, now);
      running.push({ work, end: now + graph.costs[work]! });
    }
    if (running.length === 0) return { started, end: now };
    now = Math.min(...running.map(({ end }) => end));
    for (const { work, end } of running) if (end <= now) schedule.done(work);
    running = running.filter(({ end }) => end > now);
  }
}

test("every work begins once and after what it needs, and the end is within Graham's bound", () => {
  fc.assert(
    fc.property(drawn, fc.integer({ min: 1, max: 8 }), (graph, hands) => {
      const { started, end } = simulated(graph, hands);
      expect(started.size).toBe(graph.costs.length);
      for (const [work, at] of started)
        for (const need of needsIn(graph, work))
          expect(started.get(need)! + graph.costs[need]!).toBeLessThanOrEqual(
            at,
          );
      const total = graph.costs.reduce((sum, cost) => sum + cost, 0);
      const path = longest(graph);
      const virtual = makespanOf(graph, hands);
      expect(virtual.end).toBeCloseTo(end, 9);
      expect(virtual.total).toBeCloseTo(total, 9);
      expect(virtual.path).toBeCloseTo(path, 9);
      expect(end).toBeGreaterThanOrEqual(Math.max(path, total / hands) - 1e-9);
      expect(end).toBeLessThanOrEqual(
        total / hands + (1 - 1 / hands) * path + 1e-9,
      );
      expect(simulated(graph, hands)).toEqual({ started, end });
    }),
    runs(100),
  );
});

test("the longest path comes first, and of equal ones the first of the graph", () => {
  // 0 and 1 stand alone, 3 needs 2: the path through 2 is the longest.
  const schedule = scheduleOf(graphOf([[], [], [], [2]], [2, 2, 1.5, 1]));
  expect([...schedule.paths]).toEqual([2, 2, 2.5, 1]);
  expect([schedule.next(), schedule.next(), schedule.next()]).toEqual([
    2, 0, 1,
  ]);
  expect(schedule.next()).toBeUndefined();
  schedule.back(0);
  schedule.done(2);
  expect([schedule.next(), schedule.next()]).toEqual([0, 3]);
});

test("all that needs what failed fails with it, and nothing else", () => {
  fc.assert(
    fc.property(drawn, fc.nat(), (graph, draw) => {
      const count = graph.costs.length;
      const bad = count === 0 ? -1 : draw % count;
      const lost = new Set<number>();
      for (let again = true; again; ) {
        again = false;
        for (let work = 0; work < count; work++)
          if (
            !lost.has(work) &&
            needsIn(graph, work).some((need) => need === bad || lost.has(need))
          ) {
            lost.add(work);
            again = true;
          }
      }
      const schedule = scheduleOf(graph);
      const done: number[] = [];
      for (
        let work = schedule.next();
        work !== undefined;
        work = schedule.next()
      )
        if (work === bad) {
          expect(new Set(schedule.fail(work))).toEqual(lost);
        } else {
          schedule.done(work);
          done.push(work);
        }
      expect(new Set([...done, ...lost, ...(bad < 0 ? [] : [bad])])).toEqual(
        new Set(graph.costs.keys()),
      );
      expect(done.some((work) => lost.has(work))).toBe(false);
    }),
    runs(100),
  );
});

test("a circle is refused", () => {
  expect(() => scheduleOf(graphOf([[], [2], [1], [2]], [1, 1, 1, 1]))).toThrow(
    "3 works need each other in a circle",
  );
});

test("many works of very different sizes end close to the lower bound", () => {
  const random = new Random(1);
  const needsOf: number[][] = [];
  const costs: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const layer = Math.floor(i / 4000);
    const above = () => 4000 * (layer - 1) + random.below(4000);
    needsOf.push(layer === 0 ? [] : [above(), above()]);
    costs.push(Math.exp(1.5 * random.normal()));
  }
  const graph = graphOf(needsOf, costs);
  for (const hands of [10, 100]) {
    const { end, total, path } = makespanOf(graph, hands);
    expect(end / Math.max(path, total / hands)).toBeLessThan(1.05);
  }
});
