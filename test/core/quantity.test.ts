import { expect, test } from "vitest";
import { bytes, seconds } from "#core";

test.each([
  [600, 600],
  ["600", 600],
  ["1.5h", 5400],
  ["10min", 600],
  ["10 m", 600],
  ["2d", 172_800],
])("%j is a time", (written, is) => {
  expect(seconds.parse(written)).toBe(is);
});

test.each([
  [4e9, 4e9],
  ["4GB", 4e9],
  ["512 MiB", 536_870_912],
])("%j is a size", (written, is) => {
  expect(bytes.parse(written)).toBe(is);
});

test.each(["", "h", "-1h", "0s", 0, -3, "10 hours", "1e3s", null])(
  "%j is refused",
  (written) => {
    expect(seconds.safeParse(written).success).toBe(false);
    expect(bytes.safeParse(written).success).toBe(false);
  },
);
