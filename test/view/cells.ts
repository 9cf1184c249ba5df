import {
  type Cell,
  type Examples,
  type Fate,
  outcomesOf,
  type Results,
} from "#results";
import { exampleResults } from "../reports/results.ts";

/** A run whose first cell has so many samples, every fourth of them broken. */
export function runOf(samples: number): { results: Results; cell: Cell } {
  const fates = [
    "robust",
    "robust",
    "broken",
    "wrong",
  ] as const satisfies readonly Fate[];
  const outcomes = outcomesOf(
    Array.from({ length: samples }, (_, i) => fates[i % fates.length]!),
  );
  const example = exampleResults();
  const [first, ...others] = example.cells;
  const results = {
    ...example,
    title: "Many samples",
    cells: [
      {
        ...first!,
        outcomes,
        queriesToBreak: Array.from(outcomes, (_, i) => i),
      },
      ...others,
    ],
  };
  return { results, cell: results.cells[0]! };
}

const labelsOf = (n: number) =>
  Array.from({ length: n }, (_, i) => `class ${i % 10}`);

/** Grey pictures, each moved at its first pixel. */
export function pictures(n: number, size = 8): Examples {
  const dims = [n, 1, size, size];
  const clean = { dims, data: new Float32Array(n * size * size).fill(0.5) };
  const attacked = {
    dims,
    data: clean.data.map((v, i) => (i % (size * size) === 0 ? v + 0.25 : v)),
  };
  return { clean, attacked, columns: null, labels: labelsOf(n) };
}

export const texts = (n: number): Examples => ({
  clean: Array.from({ length: n }, (_, i) => `text ${i} is a good one`),
  attacked: Array.from({ length: n }, (_, i) => `text ${i} is a g0od <one>`),
  columns: null,
  labels: labelsOf(n),
});

export function rowsOfTables(n: number): Examples {
  const dims = [n, 2];
  return {
    clean: { dims, data: new Float32Array(2 * n).fill(34) },
    attacked: {
      dims,
      data: Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 ? 34 : 39.5)),
    },
    columns: ["age <years>", "height"],
    labels: labelsOf(n),
  };
}
