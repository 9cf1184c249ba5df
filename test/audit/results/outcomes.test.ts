import fc from "fast-check";
import { expect, test } from "vitest";
import {
  countOf,
  type Fate,
  fatesOf,
  outcomesOf,
  rightOf,
  robustInEach,
  samplesThatAre,
} from "../../../src/audit/results/outcomes.ts";

const all: readonly Fate[] = ["robust", "broken", "wrong", "absent"];
const fates = fc.array(fc.constantFrom(...all));

test("outcomes are the characters that the results document explains", () => {
  expect(outcomesOf(all)).toBe("10-.");
});

test("what is written is read again, and every sample is one of four", () => {
  fc.assert(
    fc.property(fates, (samples) => {
      const outcomes = outcomesOf(samples);
      expect(fatesOf(outcomes)).toEqual(samples);
      const parts = all.map((fate) => samplesThatAre(outcomes, fate));
      expect(parts.flat().sort((a, b) => a - b)).toEqual([...samples.keys()]);
      expect(parts.map((part) => part.length)).toEqual(
        all.map((fate) => countOf(outcomes, fate)),
      );
    }),
  );
});

test("what is not right is wrong", () => {
  expect(rightOf("10-")).toEqual([true, true, false]);
});

test("a sample is robust in each where it was asked about and nothing was wrong or broke it", () => {
  expect(robustInEach([])).toEqual([]);
  expect(robustInEach(["1110-.", "1.00-."])).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("one more attack makes nothing robust, and its order does not matter", () => {
  const several = fc.integer({ min: 1, max: 20 }).chain((n) =>
    fc.array(
      fc.array(fc.constantFrom<Fate>("robust", "broken", "wrong"), {
        minLength: n,
        maxLength: n,
      }),
      { minLength: 2, maxLength: 5 },
    ),
  );
  fc.assert(
    fc.property(several, (cells) => {
      const outcomes = cells.map(outcomesOf);
      const fewer = robustInEach(outcomes.slice(1));
      const more = robustInEach(outcomes);
      expect(more.every((robust, i) => !robust || fewer[i])).toBe(true);
      expect(robustInEach(outcomes.toReversed())).toEqual(more);
    }),
  );
});
