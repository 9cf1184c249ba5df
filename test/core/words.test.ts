import { expect, test } from "vitest";
import { duration, percent } from "#core";

test("shares and durations are written as people do", () => {
  expect([0.7213, 1].map(percent)).toEqual(["72.1 %", "100.0 %"]);
  expect([0.2, 59.6, 83.2, 180, 3599.7, 4980].map(duration)).toEqual([
    "0 s",
    "1 min",
    "1 min 23 s",
    "3 min",
    "1 h",
    "1 h 23 min",
  ]);
});
