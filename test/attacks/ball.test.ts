import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ballOf } from "#attacks";
import { Random } from "#core";
import { floats } from "#onnx";
import { highestRise } from "./nearest.ts";

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const any = fc.double({ min: -3, max: 3, noNaN: true });
const width = 6;
const vector = (each: fc.Arbitrary<number>) =>
  fc.array(each, { minLength: width, maxLength: width });
const row = (values: readonly number[]) => floats([1, width], values);

describe.each(["linf", "l2", "l1", "l0"] as const)("%s ball", (norm) => {
  test("a projection is allowed, and no allowed point is nearer", () => {
    fc.assert(
      fc.property(
        vector(unit),
        vector(any),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.nat(),
        (c, p, eps, seed) => {
          const ball = ballOf(norm, eps, [0, 1]);
          const centre = row(c);
          const projected = ball.project(centre, row(p));
          expect(ball.distance(centre, projected)[0]).toBeLessThanOrEqual(
            eps + 1e-6,
          );
          expect(projected.data.every((v) => v >= 0 && v <= 1)).toBe(true);
          // With bounds, too, no allowed point is nearer.
          const gap = (q: Float32Array) =>
            Math.hypot(...p.map((v, i) => v - q[i]!));
          const other = ball.randomPoint(centre, [new Random(seed)]);
          expect(gap(projected.data)).toBeLessThanOrEqual(
            gap(other.data) + 1e-5,
          );
        },
      ),
    );
  });

  test("projecting twice changes nothing, and allowed points stay", () => {
    fc.assert(
      fc.property(
        vector(unit),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.nat(),
        (c, eps, seed) => {
          const ball = ballOf(norm, eps, [0, 1]);
          const point = ball.randomPoint(row(c), [new Random(seed)]);
          const again = ball.project(row(c), point);
          again.data.forEach((v, i) => {
            expect(Math.abs(v - point.data[i]!)).toBeLessThan(1e-6);
          });
        },
      ),
    );
  });

  test("a step along the gradient raises a linear loss most among steps of its size", () => {
    fc.assert(
      fc.property(
        vector(any.filter((v) => Math.abs(v) > 1e-3)),
        fc.nat(),
        (g, seed) => {
          const ball = ballOf(norm, 1, [-9, 9]);
          const zero = row(new Array(width).fill(0));
          const rise = (d: ArrayLike<number>) =>
            g.reduce((sum, v, i) => sum + v * d[i]!, 0);
          const best = ball.ascend(zero, row(g), 1);
          expect(ball.distance(zero, best)[0]).toBeCloseTo(1, 5);
          expect(rise(best.data)).toBeGreaterThanOrEqual(
            rise(ball.randomPoint(zero, [new Random(seed)]).data) - 1e-5,
          );
        },
      ),
    );
  });

  test("a step of numbers at their bounds goes as far as it may, and no other inside the bounds rises more", () => {
    fc.assert(
      fc.property(
        vector(fc.oneof(fc.constantFrom(0, 1), unit)),
        vector(any.filter((v) => Math.abs(v) > 1e-3)),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        fc.boolean(),
        (c, g, size, up) => {
          const ball = ballOf(norm, size, [0, 1]);
          const x = row(c);
          const way = up ? 1 : -1;
          const moved = ball.ascend(x, row(g), way * size);
          const step = Array.from(
            moved.data,
            (v, i) => Math.min(1, Math.max(0, v)) - x.data[i]!,
          );
          const rise = step.reduce((sum, d, i) => sum + way * g[i]! * d, 0);
          const slopes = g.map((v) => way * v);
          const best =
            norm === "l0"
              ? Math.max(
                  ...slopes.map((v, i) =>
                    highestRise("linf", [v], [x.data[i]!], size),
                  ),
                )
              : highestRise(norm, slopes, Array.from(x.data), size);
          expect(rise).toBeCloseTo(best, 4);
          if (norm === "l0") return;
          const gone = ball.distance(
            x,
            floats(
              [1, width],
              step.map((d, i) => x.data[i]! + d),
            ),
          )[0]!;
          const stuck = step.every(
            (d, i) =>
              (x.data[i]! + d === 0 && slopes[i]! < 0) || x.data[i]! + d === 1,
          );
          if (!stuck) expect(gone).toBeCloseTo(size, 4);
          expect(gone).toBeLessThanOrEqual(size + 1e-5);
        },
      ),
    );
  });

  test("numbers of a gradient that are zero or not finite move nothing, and the others go on", () => {
    const ball = ballOf(norm, 1, [0, 1]);
    const x = row([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    expect(ball.ascend(x, row(new Array(width).fill(0)), 1).data).toEqual(
      x.data,
    );
    expect(
      ball.ascend(x, row(new Array(width).fill(Number.NaN)), 1).data,
    ).toEqual(x.data);
    const [nan, infinite] = [Number.NaN, Number.POSITIVE_INFINITY];
    expect(
      ball.ascend(x, row([1, nan, -2, infinite, 3, -infinite]), 0.3).data,
    ).toEqual(ball.ascend(x, row([1, 0, -2, 0, 3, 0]), 0.3).data);
  });

  // A count of numbers has no volume.
  const fills = norm === "l0" ? () => {} : test;
  fills(
    "random points fill the ball: their mean distance is that of the uniform law",
    () => {
      const ball = ballOf(norm, 1, [-9, 9]);
      const zero = row(new Array(width).fill(0));
      const random = new Random(1);
      const n = 4000;
      let sum = 0;
      for (let i = 0; i < n; i++)
        sum += ball.distance(zero, ball.randomPoint(zero, [random]))[0]!;
      // E[max |u_i|] and E[r] of the uniform law are both d / (d + 1).
      expect(sum / n).toBeCloseTo(width / (width + 1), 2);
    },
  );
});

// A step in l0 changes one number, whatever eps.
test.each(["linf", "l2", "l1"] as const)(
  "%s: steps along one gradient lead to the highest point of ball and bounds, and stay there",
  (norm) => {
    fc.assert(
      fc.property(
        // A step in l1 moves a hundredth of the numbers alike: below 200 one of them.
        fc.integer({ min: 1, max: 199 }),
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        fc.nat(),
        (wide, eps, seed) => {
          const random = new Random(seed);
          const some = <T>(make: () => T) => Array.from({ length: wide }, make);
          // A third at either bound, as in pictures of digits.
          const c = some(() =>
            Math.fround(Math.min(1, Math.max(0, 3 * random.uniform() - 1))),
          );
          const g = some(() => Math.fround(random.normal() ** 3));
          const ball = ballOf(norm, eps, [0, 1]);
          const centre = floats([1, wide], c);
          const slopes = floats([1, wide], g);
          let at = ball.randomPoint(centre, [random]);
          for (let step = 0; step < 200; step++)
            at = ball.project(centre, ball.ascend(at, slopes, 0.1 * eps));
          const rise = g.reduce(
            (sum, v, i) => sum + v * (at.data[i]! - c[i]!),
            0,
          );
          const best = highestRise(norm, g, c, eps);
          expect(rise).toBeLessThanOrEqual(best + 1e-4 * (1 + best));
          expect(rise).toBeGreaterThanOrEqual(best - 1e-3 * (1e-2 + best));
        },
      ),
    );
  },
);

test("l1: the largest hundredth that can move goes in equal parts, and what is at its bound pushes on", () => {
  const step = (
    g: readonly [number, number][],
    c: readonly [number, number][],
  ) => {
    const at = (values: readonly [number, number][], otherwise: number) => {
      const all = new Array<number>(200).fill(otherwise);
      for (const [i, v] of values) all[i] = v;
      return floats([1, 200], all);
    };
    const x = at(c, 0.5);
    const moved = ballOf("l1", 1, [0, 1]).ascend(x, at(g, 0), 0.4);
    return Array.from(moved.data).flatMap((v, i) => {
      const by = v - x.data[i]!;
      return by === 0 ? [] : [[i, Number(by.toFixed(5))]];
    });
  };
  const slopes = [
    [3, -4],
    [5, 3],
    [7, 2],
    [9, 1],
  ] as const;
  const g = slopes.map(([i, v]): [number, number] => [i, v]);
  expect(step(g, [])).toEqual([
    [3, -0.2],
    [5, 0.2],
  ]);
  expect(step(g, [[3, 0]])).toEqual([
    [3, -0.4],
    [5, 0.2],
    [7, 0.2],
  ]);
  expect(step(g, [[3, 0.05]])).toEqual([
    [3, -0.4],
    [5, 0.2],
    [7, 0.15],
  ]);
  // Where too few can move they go further.
  expect(step([[3, -4]], [])).toEqual([[3, -0.4]]);
  expect(
    step(
      [
        [3, -4],
        [5, 3],
      ],
      [[3, 0.1]],
    ),
  ).toEqual([
    [3, -0.6],
    [5, 0.3],
  ]);
});

test("a projection onto the L1 ball and the bounds obeys the KKT conditions", () => {
  fc.assert(
    fc.property(
      vector(unit),
      vector(any),
      fc.double({ min: 0.05, max: 2, noNaN: true }),
      (c, p, eps) => {
        const ball = ballOf("l1", eps, [0, 1]);
        const { data } = ball.project(row(c), row(p));
        // How much of each number was taken off, and how much of it could have stayed.
        const numbers = p.map((v, i) => {
          const centre = Math.fround(c[i]!);
          const size = Math.abs(Math.fround(v) - centre);
          return {
            kept: Math.abs(data[i]! - centre),
            size,
            room: v > centre ? 1 - centre : centre,
          };
        });
        const sum = numbers.reduce((total, { kept }) => total + kept, 0);
        const most = numbers.reduce(
          (total, { size, room }) => total + Math.min(size, room),
          0,
        );
        expect(sum).toBeCloseTo(Math.min(eps, most), 4);
        if (most <= eps) return;
        const free = numbers.filter(
          ({ kept, room }) => kept > 1e-5 && kept < room - 1e-5,
        );
        const less = free.map(({ size, kept }) => size - kept);
        const multiplier = less[0];
        if (multiplier === undefined) return;
        for (const off of less) expect(off).toBeCloseTo(multiplier, 4);
        for (const { kept, size, room } of numbers) {
          if (kept <= 1e-5)
            expect(Math.min(size, room > 1e-4 ? size : 0)).toBeLessThanOrEqual(
              multiplier + 1e-4,
            );
          if (kept >= room - 1e-5 && room > 1e-4)
            expect(size - room).toBeGreaterThanOrEqual(multiplier - 1e-4);
        }
      },
    ),
  );
});

test("l0: what lies far outside the bounds comes before what lies inside", () => {
  const ball = ballOf("l0", 1, [0, 1]);
  const at = (values: number[]) => floats([1, values.length], values);
  const near = ball.project(at([0.1, 0.2]), at([-5, 0.7]));
  // Moving the first number saves 5.1^2 - 5^2, the second 0.5^2.
  expect(near.data[0]).toBe(0);
  expect(near.data[1]).toBeCloseTo(0.2, 6);
});
