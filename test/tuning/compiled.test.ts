import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import wabt from "wabt";
import { packagePath, Random } from "#core";
import { optimizers } from "#tuning";
import { arraysOf, loopsFor } from "../../src/tuning/optimizers/compiled.ts";

const file = (name: string) =>
  readFileSync(packagePath("src/tuning/optimizers", name));

test("moves.wasm is what moves.wat says", async () => {
  const { parseWat } = await wabt();
  const text = parseWat("moves.wat", file("moves.wat"), { simd: true });
  const { buffer } = text.toBinary({});
  expect(Buffer.compare(Buffer.from(buffer), file("moves.wasm"))).toBe(0);
});

test.each(optimizers)(
  "$id moves weights by compiled loops to the same bits",
  (unit) =>
    fc.assert(
      fc.property(
        // One and more pieces of a gradient, whole and with a rest.
        fc.constantFrom(1, 2, 3, 7, 4096, 4097, 9001),
        fc.boolean(),
        fc.integer(),
        (length, decays, seed) => {
          const random = new Random(seed);
          const drawn = () =>
            Float32Array.from({ length }, (_, i) =>
              // Among them numbers that are not, zeros and the smallest.
              i % 97 === 5
                ? [0, -0, 1e-45, 3e38, Infinity, NaN][random.below(6)]!
                : random.normal(),
            );
          const params = unit.params.parse({ weightDecay: 0.01 });
          const count = 1 + unit.state.length;
          const lengths = new Array<number>(count).fill(length);
          const fast = arraysOf(lengths);
          expect(loopsFor(fast)).toBeDefined();
          const slow = lengths.map((n) => new Float32Array(n));
          expect(loopsFor(slow)).toBeUndefined();
          const start = drawn();
          for (const [weight] of [fast, slow]) weight?.set(start);
          for (let steps = 1; steps <= 3; steps++) {
            const gradient = drawn();
            for (const [weight, ...state] of [fast, slow])
              unit.update(
                { weight: weight!, gradient, state, rate: 0.1, decays, steps },
                params,
              );
          }
          // Object.is tells -0 from 0; of what is not a number the bits may differ.
          const other = fast.flatMap((array, k) =>
            [...array].filter((v, i) => !Object.is(v, slow[k]![i])),
          );
          expect(other).toEqual([]);
        },
      ),
      { numRuns: 60, seed: 18 },
    ),
);

test("what was fed beside them stays", () => {
  const [one, , two] = arraysOf([3, 5, 2]);
  const [unit] = optimizers;
  two?.fill(7);
  const state = [new Float32Array(3)];
  const gradient = Float32Array.of(1, 1, 1);
  const input = { weight: one!, gradient, state, rate: 1, decays: true };
  unit?.update({ ...input, steps: 1 }, unit.params.parse({}));
  expect([...one!]).toEqual([-1, -1, -1]);
  expect([...two!]).toEqual([7, 7]);
});
