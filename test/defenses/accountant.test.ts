import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { epsilonOf, renyi } from "../../defenses/training/accountant.ts";

interface Reference {
  q: number;
  sigma: number;
  steps: number;
  delta: number;
  rdp: number;
  pld: number;
  renyi: [alpha: number, divergence: number][];
}

const references: Reference[] = JSON.parse(
  readFileSync(
    new URL("../fixtures/privacy/epsilons.json", import.meta.url),
    "utf8",
  ),
);

describe.each(references)("references: q $q, sigma $sigma", (one) => {
  test("divergences of whole and fractional orders are those of mpmath", () => {
    for (const [alpha, divergence] of one.renyi)
      expect(renyi(one, alpha) / divergence, `order ${alpha}`).toBeCloseTo(
        1,
        6,
      );
  });

  test("epsilon is no higher than that of Google's Renyi accountant, and no lower than that of its loss distributions", () => {
    const epsilon = epsilonOf(one, one.delta);
    expect(epsilon).toBeLessThanOrEqual(one.rdp * (1 + 1e-9));
    expect(epsilon).toBeGreaterThanOrEqual(one.pld);
  });
});

test("without sampling it is the Gaussian mechanism", () => {
  for (const alpha of [2, 7, 32])
    expect(renyi({ q: 1, sigma: 2 }, alpha)).toBeCloseTo(alpha / 8, 12);
  expect(renyi({ q: 1 - 1e-12, sigma: 2 }, 7)).toBeCloseTo(7 / 8, 6);
});

test("the example of TensorFlow Privacy: 60,000 samples, batches of 256, noise 1.12, 60 epochs", () => {
  // Its tutorial prints epsilon 2.92 at order 9, by the older conversion log(1 /
  // delta) / (alpha - 1).
  const mechanism = { q: 256 / 60_000, sigma: 1.12, steps: 14_063 };
  const older = Array.from({ length: 62 }, (_, i) => i + 2).map((alpha) => ({
    alpha,
    epsilon:
      mechanism.steps * renyi(mechanism, alpha) + Math.log(1e5) / (alpha - 1),
  }));
  const least = older.reduce((a, b) => (b.epsilon < a.epsilon ? b : a));
  expect(least.alpha).toBe(9);
  expect(least.epsilon).toBeCloseTo(2.92, 2);
  expect(epsilonOf(mechanism, 1e-5)).toBeLessThan(least.epsilon);
});

test("privacy is lost with steps, larger batches and less noise", () => {
  const base = { q: 0.01, sigma: 1.1, steps: 1000 };
  const epsilon = epsilonOf(base, 1e-5);
  expect(epsilon).toBeGreaterThan(0);
  expect(epsilonOf({ ...base, steps: 2000 }, 1e-5)).toBeGreaterThan(epsilon);
  expect(epsilonOf({ ...base, q: 0.02 }, 1e-5)).toBeGreaterThan(epsilon);
  expect(epsilonOf({ ...base, sigma: 0.9 }, 1e-5)).toBeGreaterThan(epsilon);
  expect(epsilonOf(base, 1e-3)).toBeLessThan(epsilon);
  expect(epsilonOf({ ...base, q: 0 }, 1e-5)).toBeGreaterThanOrEqual(0);
});
