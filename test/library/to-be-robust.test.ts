import { expect, test } from "vitest";
import { matchers, type RobustMatchers } from "../../src/matchers.ts";
import { exampleResults } from "../reports/results.ts";

expect.extend(matchers);

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: as Vitest declares it
  interface Matchers<T = any> extends RobustMatchers<T> {}
}

const results = exampleResults();
const [{ threatModel, robustAccuracy, candidate, defense } = {} as never] =
  results.worstCases.filter(({ trusted }) => trusted);

test("results that are robust enough pass, and others do not", () => {
  const place = { threatModel, candidate, defense };
  expect(results).toBeRobust({ ...place, min: 0 });
  expect(() => expect(results).toBeRobust({ ...place, min: 1 })).toThrow(
    /expected the results to be robust \(failed\)\n/,
  );
  expect(results).not.toBeRobust({ ...place, min: 1 });
});

test("a number that cannot be told passes neither way", () => {
  const { value } = robustAccuracy;
  const place = { threatModel, candidate, defense, min: value };
  expect(() => expect(results).toBeRobust(place)).toThrow("inconclusive");
  expect(() => expect(results).not.toBeRobust(place)).toThrow("inconclusive");
});

test("what is no limit and what names nothing is refused", () => {
  expect(() => expect(results).toBeRobust({ min: 2 })).toThrow(
    expect.objectContaining({ code: "ARGUMENT_INVALID" }),
  );
  expect(() => expect(results).toBeRobust({ min: 0, candidate: "x" })).toThrow(
    expect.objectContaining({ code: "GATE_NAME" }),
  );
});
