import { expect, test } from "vitest";
import { Random } from "#core";
import {
  fitGamma,
  gammaCdf,
} from "../../../src/audit/statistics/distributions.ts";

test("of shape 1 the gamma distribution is the exponential one", () => {
  for (const x of [1e-8, 0.1, 1, 1.99, 2.01, 5, 30])
    expect(gammaCdf(x, 1, 1)).toBeCloseTo(-Math.expm1(-x), 14);
});

test("known values, on both sides of the mean", () => {
  // erf(sqrt(1/2)), and Poisson sums for whole shapes.
  expect(gammaCdf(0.5, 0.5, 1)).toBeCloseTo(0.6826894921370859, 14);
  expect(gammaCdf(2, 3, 1)).toBeCloseTo(1 - 5 * Math.exp(-2), 14);
  expect(gammaCdf(6, 3, 1)).toBeCloseTo(1 - 25 * Math.exp(-6), 14);
  expect(gammaCdf(18, 3, 3)).toBe(gammaCdf(6, 3, 1));
  // The 95 % quantiles of chi-square with 1 and 10 degrees of freedom.
  expect(gammaCdf(3.841458820694124, 0.5, 2)).toBeCloseTo(0.95, 12);
  expect(gammaCdf(18.307038053275146, 5, 2)).toBeCloseTo(0.95, 12);
  expect(gammaCdf(0, 2, 1)).toBe(0);
  expect(gammaCdf(-1, 2, 1)).toBe(0);
});

test("a fit finds the shape and scale that values were drawn with", () => {
  const random = new Random(1);
  // A sum of three exponentials is a gamma of shape 3.
  const values = Array.from(
    { length: 20_000 },
    () =>
      -2 *
      Math.log(
        (1 - random.uniform()) *
          (1 - random.uniform()) *
          (1 - random.uniform()),
      ),
  );
  const { shape, scale } = fitGamma(values);
  expect(shape).toBeCloseTo(3, 0);
  expect(Math.abs(shape / 3 - 1)).toBeLessThan(0.03);
  expect(Math.abs(scale / 2 - 1)).toBeLessThan(0.03);
});
