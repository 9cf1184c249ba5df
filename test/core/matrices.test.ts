import fc from "fast-check";
import { expect, test } from "vitest";
import { Random, solve } from "#core";

test("what is solved for gives the right-hand sides back", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(),
      (n, columns, seed) => {
        const random = new Random(seed);
        const draw = () => random.normal();
        const half = Array.from({ length: n * n }, draw);
        // H H' + I is positive definite.
        const a = Float64Array.from({ length: n * n }, (_, at) => {
          const [i, j] = [Math.floor(at / n), at % n];
          let sum = i === j ? 1 : 0;
          for (let k = 0; k < n; k++)
            sum += half[i * n + k]! * half[j * n + k]!;
          return sum;
        });
        const b = Float64Array.from({ length: n * columns }, draw);
        const x = solve(a, b, n);
        b.forEach((wanted, at) => {
          const [i, column] = [Math.floor(at / columns), at % columns];
          let sum = 0;
          for (let k = 0; k < n; k++)
            sum += a[i * n + k]! * x[k * columns + column]!;
          expect(sum).toBeCloseTo(wanted, 9);
        });
      },
    ),
  );
});
