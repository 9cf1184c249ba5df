import { expect, test } from "vitest";
import { decimal, duration, percent } from "#core";

test("shares and durations are written as people do", () => {
  expect([0.7213, 1, -0.018].map(percent)).toEqual([
    "72.1 %",
    "100.0 %",
    "−1.8 %",
  ]);
  expect([-0.04, -3.14, 2].map(decimal)).toEqual(["0.0", "−3.1", "2.0"]);
  expect([0.2, 59.6, 83.2, 180, 3599.7, 4980].map(duration)).toEqual([
    "0 s",
    "1 min",
    "1 min 23 s",
    "3 min",
    "1 h",
    "1 h 23 min",
  ]);
});
