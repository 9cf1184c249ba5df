import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wayToPlane } from "../../attacks/evasion/hyperplane.ts";

const numbers = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), {
    minLength: 6,
    maxLength: 6,
  });

const lengths = {
  linf: (v: number[]) => Math.max(...v.map(Math.abs)),
  l2: (v: number[]) => Math.hypot(...v),
  l1: (v: number[]) => v.reduce((sum, d) => sum + Math.abs(d), 0),
};

describe.each(["linf", "l2", "l1"] as const)(
  "the way to a plane in %s",
  (norm) => {
    test("ends on the plane inside the bounds, and no other way there is shorter", () => {
      fc.assert(
        fc.property(
          numbers(0, 1),
          numbers(-1, 1),
          fc.double({ min: -1, max: 1, noNaN: true }),
          numbers(0, 1),
          (start, slopes, height, elsewhere) => {
            const point = Float32Array.from(start);
            const normal = Float32Array.from(slopes);
            const way = Array.from(
              wayToPlane(point, normal, height, norm, [0, 1]),
            );
            const end = way.map((d, i) => d + point[i]!);
            for (const v of end) {
              expect(v).toBeGreaterThanOrEqual(-1e-9);
              expect(v).toBeLessThanOrEqual(1 + 1e-9);
            }
            const along = (v: ArrayLike<number>) =>
              Array.from(normal, (w, i) => w * v[i]!).reduce(
                (a, b) => a + b,
                0,
              );
            const fall = -along(way);
            // As far as the bounds go, or exactly down.
            const most = Array.from(normal, (w, i) => {
              const v = point[i]!;
              const down = w * Math.sign(height);
              return Math.abs(w) * (down > 0 ? v : 1 - v);
            }).reduce((a, b) => a + b, 0);
            const reached =
              Math.sign(height) * Math.min(Math.abs(height), most);
            expect(fall).toBeCloseTo(reached, 5);
            // Any point of the box that is as far down is no nearer; of next to
            // nothing, and where the box hardly reaches the plane, rounding decides.
            if (Math.abs(reached) < 1e-6 || Math.abs(height) > most - 1e-6)
              return;
            const other = elsewhere.map((v, i) => v - point[i]!);
            if (Math.sign(height) * -along(other) >= Math.abs(reached))
              expect(lengths[norm](other)).toBeGreaterThanOrEqual(
                lengths[norm](way) - 1e-6,
              );
          },
        ),
        { numRuns: 300 },
      );
    });
  },
);

// With the bounds in the way the shortest way is known by its Karush-Kuhn-Tucker
// conditions: what is free moves at one pace, and what is at its bound would
// have gone farther.
test.each(["linf", "l2", "l1"] as const)(
  "the way to a plane in %s obeys the KKT conditions",
  (norm) => {
    fc.assert(
      fc.property(
        numbers(0, 1),
        numbers(-1, 1),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (start, slopes, height) => {
          const point = Float32Array.from(start);
          const normal = Float32Array.from(slopes);
          const way = wayToPlane(point, normal, height, norm, [0, 1]);
          const moves = Array.from(way, (d, i) => {
            const w = normal[i]!;
            const v = point[i]!;
            return { d: Math.abs(d), w: Math.abs(w), room: w > 0 ? v : 1 - v };
          }).filter(({ w }) => w > 1e-6);
          const free = moves.filter(({ d, room }) => d < room - 1e-9);
          // Where the bounds do not reach the plane everything is at its bound.
          if (free.length === 0) return;
          if (norm === "l1") {
            // One number at most is on its way. All steeper ones are at their bounds,
            // all others stay.
            const moving = free.filter(({ d }) => d > 1e-9);
            expect(moving.length).toBeLessThanOrEqual(1);
            for (const { d, w } of free)
              if (d <= 1e-9)
                expect(moves.every((m) => m.d <= 1e-9 || m.w >= w - 1e-9)).toBe(
                  true,
                );
            return;
          }
          const pace = ({ d, w }: { d: number; w: number }) =>
            norm === "linf" ? d : d / w;
          const multiplier = pace(free[0] as { d: number; w: number });
          for (const move of free)
            expect(pace(move)).toBeCloseTo(multiplier, 5);
          for (const { room, w } of moves.filter((m) => !free.includes(m)))
            expect(room).toBeLessThanOrEqual(
              multiplier * (norm === "linf" ? 1 : w) + 1e-6,
            );
        },
      ),
      { numRuns: 300 },
    );
  },
);
