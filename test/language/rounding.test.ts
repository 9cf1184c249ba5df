import fc from "fast-check";
import { expect, test } from "vitest";
import type { FloatTensor } from "#onnx";
import {
  boxOf,
  project,
  restored,
  rounded,
} from "../../attacks/language/rounding.ts";

/** Numbers far from where single precision ends. */
const coarse = fc.integer({ min: -9999, max: 9999 }).map((v) => v / 5000);

const weight = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 8 }))
  .chain(([rows, width]) =>
    fc
      .array(coarse, {
        minLength: rows * width,
        maxLength: rows * width,
      })
      .map(
        (values): FloatTensor => ({
          type: "float32",
          dims: [rows, width],
          data: Float32Array.from(values),
        }),
      ),
  );

const bits = fc.integer({ min: 2, max: 8 });

test("whatever moves inside the box keeps its whole numbers, bit for bit", () => {
  fc.assert(
    fc.property(weight, bits, fc.infiniteStream(fc.double()), (w, b, moves) => {
      const of = rounded(w, b);
      const box = boxOf(w, of);
      const moved = w.data.map((v) => v + Number(moves.next().value));
      const isNumber = moved.map((v) => (Number.isNaN(v) ? 0 : v));
      project(isNumber, box);
      const again = rounded({ ...w, data: isNumber }, b);
      expect(again.whole).toEqual(of.whole);
      expect(again.scales).toEqual(of.scales);
    }),
  );
});

test("what is restored lies within half a whole number of the weight", () => {
  fc.assert(
    fc.property(weight, bits, (w, b) => {
      const of = rounded(w, b);
      const width = w.dims[1]!;
      restored(of, w).data.forEach((v, i) => {
        const scale = of.scales[Math.floor(i / width)]!;
        expect(Math.abs(v - w.data[i]!)).toBeLessThanOrEqual(
          0.5 * scale * (1 + 1e-5) + 1e-30,
        );
      });
    }),
  );
});
