import { expect, test } from "vitest";
import { bestThreshold } from "#attacks";
import { Random } from "#core";
import { floats } from "#onnx";
import {
  lossesOf,
  scaledConfidences,
} from "../../attacks/privacy/confidence.ts";
import { likelihoodRatios } from "../../attacks/privacy/lira.ts";
import { rightness } from "../../attacks/privacy/modified-entropy.ts";
import { exceeding } from "../../attacks/privacy/rmia.ts";
import { roc } from "../../src/audit/statistics/roc.ts";
import { thresholdAt } from "../../src/audit/trials/privacy/membership-outcome.ts";

/** A sample with these probabilities. */
const asked = (p: readonly number[], label: number) => ({
  logits: floats(
    [1, p.length],
    p.map((v) => Math.log(v) + 3),
  ),
  y: Int32Array.of(label),
});

test("losses, scaled confidences and modified entropies are those of the formulas", () => {
  const p = [0.7, 0.2, 0.1];
  const one = asked(p, 0);
  expect(lossesOf(one)[0]).toBeCloseTo(-Math.log(0.7), 6);
  expect(scaledConfidences(one)[0]).toBeCloseTo(Math.log(0.7 / 0.3), 6);
  const entropy =
    -0.3 * Math.log(0.7) - 0.2 * Math.log(0.8) - 0.1 * Math.log(0.9);
  expect(rightness(one)[0]).toBeCloseTo(-entropy, 6);
  // Far beyond what a probability in double precision can say.
  const sure = { logits: floats([1, 2], [90, 0]), y: Int32Array.of(0) };
  expect(scaledConfidences(sure)[0]).toBe(90);
  expect(Number.isFinite(rightness({ ...sure, y: Int32Array.of(1) })[0])).toBe(
    true,
  );
});

test("LiRA on small vectors, by hand", () => {
  const samples = [
    { own: 2, inside: [1, 3], outside: [-1, 1] },
    { own: 0, inside: [2, 2], outside: [0, 4] },
  ];
  // Variance within: in (2 + 0) / 2 = 1, out (2 + 8) / 2 = 5.
  const fixed = { variance: "fixed" } as const;
  const online = likelihoodRatios(samples, { mode: "online", ...fixed });
  expect(online[0]).toBeCloseTo(0 + 4 / 10 + Math.log(Math.sqrt(5)), 10);
  expect(online[1]).toBeCloseTo(-2 + 4 / 10 + Math.log(Math.sqrt(5)), 10);
  const offline = likelihoodRatios(samples, { mode: "offline", ...fixed });
  expect([...offline].map((v) => v.toFixed(6))).toEqual([
    (2 / Math.sqrt(5)).toFixed(6),
    (-2 / Math.sqrt(5)).toFixed(6),
  ]);
  const each = likelihoodRatios(samples, { mode: "offline", variance: "each" });
  expect(each[0]).toBeCloseTo(2 / Math.SQRT2, 10);
});

test("LiRA where confidences are N(1, 1) of members and N(-1, 1) of others has the area that it must, and none when membership is shuffled", () => {
  const random = new Random(11);
  const draw = (mean: number) => mean + random.normal();
  const members = Array.from({ length: 1500 }, (_, i) => i % 2 === 0);
  const scores = likelihoodRatios(
    members.map((member) => ({
      own: draw(member ? 1 : -1),
      inside: Array.from({ length: 32 }, () => draw(1)),
      outside: Array.from({ length: 32 }, () => draw(-1)),
    })),
    { mode: "online", variance: "fixed" },
  );
  const area = (labels: readonly boolean[]) => {
    const side = (of: boolean) =>
      [...scores].filter((_, i) => labels[i] === of);
    return roc(side(false), side(true))?.auc;
  };
  const found = area(members);
  expect(found?.low).toBeLessThan(0.9214);
  expect(found?.high).toBeGreaterThan(0.9);
  expect(found?.value).toBeGreaterThan(0.9);
  // Each shuffle has a standard error of 0.015.
  const shuffled = Array.from({ length: 50 }, () => {
    const order = random.permutation(members.length);
    return area(order.map((i) => members[i]!))?.value as number;
  });
  const mean = shuffled.reduce((sum, v) => sum + v / 50, 0);
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.007);
});

test("RMIA counts the population that a sample exceeds by gamma", () => {
  const numbers = Float64Array.of(1, 2, 4);
  const others = Float64Array.of(0.5, 1, 2, 3);
  expect([...exceeding(numbers, others, 1)]).toEqual([0.25, 0.5, 1]);
  expect([...exceeding(numbers, others, 2)]).toEqual([0, 0.25, 0.5]);
});

test("thresholds leave at most the share of false positives, and none is given below one sample", () => {
  const others = Array.from({ length: 1000 }, (_, i) => i);
  expect(thresholdAt(others, 0.001)).toBe(998);
  expect(thresholdAt(others, 0.01)).toBe(989);
  expect(thresholdAt(others.slice(0, 999), 0.001)).toBeNull();
  expect(thresholdAt(others.slice(0, 99), 0.01)).toBeNull();
  const examples = [5, 4, 3, 2, 1].map((score) => ({
    score,
    member: score > 2 && score !== 4,
  }));
  expect(bestThreshold(examples)).toBe(2.5);
});
