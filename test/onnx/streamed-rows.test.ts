import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FEW,
  floats,
  isStreamed,
  joinedRows,
  rowsFrom,
  Streamed,
  takeRows,
  withRows,
} from "#onnx";

const x = floats(
  [5, 3],
  Array.from({ length: 15 }, (_, i) => i),
);
const y = floats(
  [2, 3],
  Array.from({ length: 6 }, (_, i) => 100 + i),
);

/** So wide that two rows are many. */
const WIDTH = FEW / 2 + 1;
const wide = (count: number, from: number) =>
  new Streamed([count, WIDTH], {
    read(rows, to) {
      for (let i = 0; i < rows.length; i++)
        to.fill(from + rows[i]!, i * WIDTH, (i + 1) * WIDTH);
    },
  });

test("rows of several tensors are those of each, in the order that is asked for", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.record({ of: fc.constant(0), row: fc.nat(4) }),
          fc.record({ of: fc.constant(1), row: fc.nat(1) }),
        ),
        { maxLength: 9 },
      ),
      (places) => {
        const { dims, data } = rowsFrom([x, y], places);
        expect(dims).toEqual([places.length, 3]);
        expect(Array.from(data)).toEqual(
          places.flatMap(({ of, row }) => [
            ...takeRows([x, y][of] as typeof x, [row]).data,
          ]),
        );
      },
    ),
  );
});

test("rows are replaced in a copy, and joined, of streamed ones as they are read", () => {
  const replaced = withRows(x, [{ rows: [3, 0], x: y }]);
  expect(Array.from(replaced.data)).toEqual([
    103, 104, 105, 3, 4, 5, 6, 7, 8, 100, 101, 102, 12, 13, 14,
  ]);
  expect(x.data[0]).toBe(0);
  const many = withRows(wide(4, 0), [
    { rows: [2], x: takeRows(wide(1, 7), [0]) },
  ]);
  expect(isStreamed(many)).toBe(true);
  const first = (t: typeof x, rows: number[]) => {
    const { data } = takeRows(t, rows);
    return rows.map((_, i) => [data[i * WIDTH], data[(i + 1) * WIDTH - 1]]);
  };
  expect(first(many, [2, 1])).toEqual([
    [7, 7],
    [1, 1],
  ]);
  const both = joinedRows([wide(3, 0), wide(2, 50)]);
  expect(both.dims).toEqual([5, WIDTH]);
  expect(first(both, [4, 0])).toEqual([
    [51, 51],
    [0, 0],
  ]);
});
