import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { schedules } from "#tuning";

function courseOf(
  id: string,
  params: Record<string, unknown> = {},
  total = 100,
  perEpoch = 10,
) {
  const schedule = schedules.find((s) => s.id === id);
  if (!schedule) throw new Error(id);
  return schedule.course(schedule.params.parse(params), total, perEpoch);
}

test("slanted triangular follows the paper's formula (T = 100, peak 0.01)", () => {
  const course = courseOf("slanted-triangular");
  const at = (t: number) => 0.01 * course.factor(t);
  expect(at(0)).toBeCloseTo(3.125e-4, 8);
  expect(at(5)).toBeCloseTo(5.15625e-3, 8);
  expect(at(10)).toBeCloseTo(1e-2, 8);
  expect(at(50)).toBeCloseTo(5.6944e-3, 6);
  expect(at(100)).toBeCloseTo(3.125e-4, 8);
});

test("cosine warms up, peaks at the stated rate, and ends at the final share", () => {
  const course = courseOf("cosine", { warmUp: 0.1, final: 0.2 });
  expect(course.factor(0)).toBeCloseTo(0.1);
  expect(course.factor(9)).toBeCloseTo(1);
  expect(course.factor(10)).toBeCloseTo(1);
  expect(course.factor(55)).toBeCloseTo(0.6);
  expect(course.factor(100)).toBeCloseTo(0.2);
});

test("one cycle starts at 1/25, peaks at 30 %, ends 1e4 times below its start", () => {
  const course = courseOf("one-cycle");
  expect(course.factor(0)).toBeCloseTo(1 / 25);
  expect(course.factor(29)).toBeCloseTo(1);
  expect(course.factor(99)).toBeCloseTo(1 / 25 / 1e4, 9);
});

test("step falls by gamma every so many epochs", () => {
  const course = courseOf("step", { every: 2, gamma: 0.5 });
  expect([0, 19, 20, 39, 40].map(course.factor)).toEqual([
    1, 1, 0.5, 0.5, 0.25,
  ]);
});

test("reduce on plateau waits out its patience, then falls", () => {
  const course = courseOf("reduce-on-plateau", { patience: 1, gamma: 0.1 });
  const seen = [1, 0.9, 0.9, 0.9, 0.8, 0.8].map((loss) => {
    course.observe?.({ loss, accuracy: 0 });
    return course.factor(0);
  });
  expect(seen).toEqual([1, 1, 1, 0.1, 0.1, 0.1]);
});

test("halving at checkpoints: where accuracy rose too seldom, or nothing has changed, and back to the best", () => {
  const course = courseOf("halve-at-checkpoints", { at: [0.3, 0.6, 0.8, 1] });
  // Rises in two of three epochs, then in three of three, in none, and in none again.
  const accuracies = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.5, 0.5, 0.5, 0.5];
  const seen = accuracies.map((accuracy) => [
    course.observe?.({ loss: 1, accuracy }),
    course.factor(0),
  ]);
  expect(seen).toEqual([
    [false, 1],
    [false, 1],
    [true, 0.5],
    [false, 0.5],
    [false, 0.5],
    [false, 0.5],
    [false, 0.5],
    [true, 0.25],
    [false, 0.25],
    [true, 0.125],
  ]);
  // Rising, but never above what was there before: the second condition.
  const stalled = courseOf("halve-at-checkpoints", { rho: 0, at: [0.4, 0.8] });
  const told = [0.5, 0.1, 0.2, 0.3, 0.4, 0.45, 0.46, 0.47].map((accuracy) =>
    stalled.observe?.({ loss: 1, accuracy }),
  );
  expect(told).toEqual([...new Array(7).fill(false), true]);
});

describe.each(schedules.map((s) => [s.id, s] as const))(
  "schedule %s",
  (_id, schedule) => {
    test("stays within [0, 1] and is never zero before the end", () => {
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 500 }), (total) => {
          const course = schedule.course(schedule.params.parse({}), total, 5);
          for (let step = 0; step < total; step++) {
            const factor = course.factor(step);
            expect(factor).toBeGreaterThan(0);
            expect(factor).toBeLessThanOrEqual(1 + 1e-9);
          }
        }),
      );
    });
  },
);
