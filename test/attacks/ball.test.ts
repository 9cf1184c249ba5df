import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ballOf } from "#attacks";
import { Random } from "#core";
import { floats } from "#onnx";

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
          if (norm === "l2") return;
          // With bounds, too, no allowed point is nearer; for l2 only without them.
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

  test("zero and non-finite gradients move nothing", () => {
    const ball = ballOf(norm, 1, [0, 1]);
    const x = row([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    expect(ball.ascend(x, row(new Array(width).fill(0)), 1).data).toEqual(
      x.data,
    );
    expect(
      ball.ascend(x, row(new Array(width).fill(Number.NaN)), 1).data,
    ).toEqual(x.data);
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
