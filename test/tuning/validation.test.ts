import fc from "fast-check";
import { expect, test } from "vitest";
import type { Model } from "../../src/model/index.ts";
import { floats, takeRows } from "../../src/onnx/index.ts";
import { lossAndAccuracy, validate } from "../../src/tuning/validation.ts";
import { runs } from "../runs.ts";

/** What is judged needs no more of a model than its task. */
const model = { classes: ["a", "b", "c"] } as unknown as Model;

const CLASSES = 3;

test("outputs that come a few rows at a time are judged as all of them together", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          fc.array(fc.integer({ min: -5, max: 5 }), {
            minLength: CLASSES,
            maxLength: CLASSES,
          }),
          fc.nat({ max: CLASSES - 1 }),
        ),
        { minLength: 1, maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 12 }),
      async (samples, most) => {
        const outputs = floats(
          [samples.length, CLASSES],
          Float32Array.from(samples.flatMap(([row]) => row)),
        );
        const y = Int32Array.from(samples, ([, label]) => label);
        async function* inParts() {
          for (let from = 0; from < y.length; from += most) {
            const rows = Array.from(y.keys()).slice(from, from + most);
            yield {
              outputs: takeRows(outputs, rows),
              truth: { y: y.slice(from, from + most), targets: undefined },
            };
          }
        }
        const found = await validate(model, inParts());
        const whole = lossAndAccuracy(model, outputs, {
          y,
          targets: undefined,
        });
        expect(found.accuracy).toBe(whole.accuracy);
        expect(found.loss).toBeCloseTo(whole.loss, 12);
      },
    ),
    runs(),
  );
});
