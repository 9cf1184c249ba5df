import { expect, test } from "vitest";
import { epsilonOf, renyi } from "../../defenses/training/accountant.ts";

test.each([
  [0.01, 4, 2],
  [0.01, 1.1, 8],
  [0.2, 2, 5],
  [0.5, 1, 3],
])(
  "the divergence of q %d, sigma %d, order %d is that of an integral",
  (q, sigma, alpha) => {
    // E over N(0, sigma^2) of ((1 - q) + q N(1, sigma^2) / N(0, sigma^2))^alpha
    let sum = 0;
    const [from, to, count] = [-15 * sigma, alpha + 15 * sigma, 200_000];
    const dx = (to - from) / count;
    for (let i = 0; i <= count; i++) {
      const x = from + i * dx;
      const ratio = 1 - q + q * Math.exp((2 * x - 1) / (2 * sigma ** 2));
      const density =
        Math.exp(-(x * x) / (2 * sigma ** 2)) /
        (sigma * Math.sqrt(2 * Math.PI));
      sum += density * ratio ** alpha * dx;
    }
    expect(renyi({ q, sigma }, alpha)).toBeCloseTo(
      Math.log(sum) / (alpha - 1),
      6,
    );
  },
);

test("without sampling it is the Gaussian mechanism", () => {
  for (const alpha of [2, 7, 32])
    expect(renyi({ q: 1, sigma: 2 }, alpha)).toBeCloseTo(alpha / 8, 12);
  expect(renyi({ q: 1 - 1e-12, sigma: 2 }, 7)).toBeCloseTo(7 / 8, 6);
});

test("the example of TensorFlow Privacy: 60,000 samples, batches of 256, noise 1.12, 60 epochs", () => {
  // Its tutorial prints epsilon 2.92 at order 9, by the older conversion log(1 / delta) / (alpha - 1).
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
