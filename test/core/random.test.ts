import { expect, test } from "vitest";
import { Random } from "#core";

const N = 400_000;

/** The normal distribution function, by its series (Marsaglia 2004). */
function phi(x: number): number {
  let [sum, term] = [x, x];
  for (let i = 3; Math.abs(term) > 1e-16; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

test.each([
  ["normals", (random: Random, out: Float32Array) => random.normals(out)],
  [
    "normal",
    (random: Random, out: Float32Array) => {
      for (let i = 0; i < out.length; i++) out[i] = random.normal();
    },
  ],
] as const)("%s are normal, to the tail", (_name, fill) => {
  const drawn = new Float32Array(N);
  fill(new Random(11), drawn);
  // Neighbours do not know of each other.
  let product = 0;
  for (let i = 1; i < N; i++) product += drawn[i]! * drawn[i - 1]!;
  expect(Math.abs(product / N)).toBeLessThan(4 / Math.sqrt(N));
  const beyond = drawn.filter((v) => Math.abs(v) > 3.7).length;
  const expected = 2 * (1 - phi(3.7)) * N;
  expect(Math.abs(beyond - expected)).toBeLessThan(4 * Math.sqrt(expected));
  // Kolmogorov-Smirnov, at a level of one in ten thousand.
  const sorted = drawn.sort();
  let apart = 0;
  for (let i = 0; i < N; i++)
    if (Math.abs(sorted[i]!) < 6)
      apart = Math.max(apart, Math.abs(phi(sorted[i]!) - (i + 0.5) / N));
  expect(apart).toBeLessThan(2.2 / Math.sqrt(N));
});

test("the same seed draws the same numbers, however they are asked for", () => {
  const [one, two] = [new Float32Array(10), new Float32Array(6)];
  new Random("a").normals(one);
  const random = new Random("a");
  random.normals(two);
  expect(one.subarray(0, 6)).toEqual(two);
  random.normals(two);
  expect(one.subarray(6)).toEqual(two.subarray(0, 4));
});
