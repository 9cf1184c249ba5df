import { expect, test } from "vitest";
import { adaptation } from "../../bench/truths/adaptation.ts";
import { adaptiveAttack } from "../../bench/truths/adaptive-attack.ts";
import { fewSamples } from "../../bench/truths/few-samples.ts";
import { ratioInterval, seedsInterval } from "../../bench/truths/intervals.ts";
import { traps, type Verdict } from "../../bench/truths/traps/traps.ts";
import { differences, type Truth } from "../../bench/truths/truth.ts";

// `npm run truths` in seconds: fewer epochs, samples and seeds.

const over = async ({ measure }: Truth, seeds: readonly number[]) => {
  const found = [];
  for (const seed of seeds) found.push(await measure(seed));
  return differences(found);
};

test("a difference over seeds has the interval of Student's t, and holds where all of it does", () => {
  const pair = (first: number, least = 0) => [
    { what: "a", first, second: 0.5, least },
  ];
  const [row] = differences([pair(0.6), pair(0.7), pair(0.8)]);
  // The quantile of two degrees of freedom is 4.3027.
  expect(row?.difference).toBeCloseTo(0.2, 9);
  expect(row?.interval?.low).toBeCloseTo(
    0.2 - (4.3027 * 0.1) / Math.sqrt(3),
    4,
  );
  expect(row?.interval?.high).toBeCloseTo(
    0.2 + (4.3027 * 0.1) / Math.sqrt(3),
    4,
  );
  expect(row?.holds).toBe(false);
  const least = -0.1;
  const loose = [0.6, 0.7, 0.8].map((first) => pair(first, least));
  expect(differences(loose)[0]?.holds).toBe(true);
  // Equal in every seed is not above, but not below either.
  const [same] = differences([pair(0.5), pair(0.5)]);
  expect(same).toMatchObject({ interval: null, holds: true });
});

test("gradual unfreezing is about as good as full fine-tuning of few samples", async () => {
  const truth = fewSamples([10], { base: 3, tuned: 8 }, [3e-3]);
  const [gradual] = await over(truth, [1, 2, 3]);
  // So few seeds and epochs show no more than that it is not far below.
  expect(gradual?.interval?.high ?? 0).toBeGreaterThan(-0.02);
  expect(gradual?.difference).toBeGreaterThan(-0.1);
});

test("adaptation is above none, and sanitizers fall under an attack that knows them", async () => {
  for (const row of await over(adaptation(3), [1, 2]))
    expect(row.difference, row.what).toBeGreaterThan(0.05);
  for (const row of await over(adaptiveAttack(4, 20), [1, 2]))
    expect(row.difference, row.what).toBeGreaterThan(0);
});

test("the intervals of seeds and of what is retained cover what they should", async () => {
  // So few draws of so many cells: the worst is off by three standard errors.
  for (const truth of [seedsInterval(60, [60]), ratioInterval(100)])
    for (const row of differences([await truth.measure(1)]))
      expect(row.first, row.what).toBeGreaterThan(0.85);
});

test("traps that no check was made with are not believed, and honest models are", async () => {
  const found: Verdict[] = [];
  for await (const verdict of traps({
    seeds: [1],
    worlds: ["table"],
    models: ["reversed-steps", "waves", "label-alone", "perceptron"],
    attacks: ["pgd"],
  }))
    found.push(verdict);
  for await (const verdict of traps({
    seeds: [1],
    worlds: ["table"],
    models: ["forest"],
    attacks: ["pgd", "autoattack"],
  }))
    found.push(verdict);
  expect(found.map(({ model }) => model)).toEqual([
    "reversed-steps",
    "waves",
    "label-alone",
    "perceptron",
    "forest",
  ]);
  for (const { model, verdict, isTrap, trusted, robust, truth } of found) {
    expect(verdict, model).toBe("right");
    expect(trusted, model).toBe(!isTrap);
    if (!isTrap) expect(robust, model).toBeLessThan(truth + 0.1);
  }
});
