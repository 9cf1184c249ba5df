import { expect, test } from "vitest";
import { Random } from "#core";
import { dataset } from "#data";
import { floats, isStreamed, rows, Streamed, takeRows } from "#onnx";
import { shifted } from "../../../src/audit/tasks/shift.ts";

const dims = [7, 3, 8, 8];
const random = new Random(3);
const x = floats(
  dims,
  Float32Array.from({ length: 7 * 192 }, () => random.uniform()),
);
const streamed = new Streamed(dims, {
  read(some, to) {
    to.set(takeRows(x, Array.from(some)).data);
  },
});
const y = Int32Array.of(0, 1, 0, 1, 0, 1, 0);

test("samples that are streamed are shifted as they are read, to the same values", () => {
  const shift = (pixels: typeof x) =>
    shifted(
      dataset("d", pixels, y, ["a", "b"]),
      ["invert", { corruption: "gaussian-noise", severity: 3 }],
      new Random(5),
    );
  const [whole, read] = [shift(x), shift(streamed)];
  expect(isStreamed(read.x)).toBe(true);
  expect(takeRows(read.x, [5, 0, 5]).data).toEqual(
    takeRows(whole.x, [5, 0, 5]).data,
  );
  expect(rows(read.x, 2, 4).data).toEqual(rows(whole.x, 2, 4).data);
  expect(read.fingerprint).toBe(whole.fingerprint);
  expect(whole.x.data).not.toEqual(x.data);
});
