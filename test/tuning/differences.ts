import { expect } from "vitest";
import type { Random } from "#core";
import type { TrainingPart } from "#tuning";

const everything = (_name: string): boolean => true;

/**
 * A part, to be listed last, that compares every gradient with central differences of
 * the loss at some numbers of each trained weight, and puts the weights back.
 *
 * @param tolerance relative to the largest gradient that was compared
 * @param only which weights are compared; all when left out
 */
export function differencesPart(
  random: Random,
  { h = 1e-2, each = 4, tolerance = 0.02, only = everything } = {},
): TrainingPart {
  return {
    async gradient(batch, at, weights) {
      const found = await at(batch);
      const pairs: { name: string; ours: number; theirs: number }[] = [];
      for (const [name, { data }] of weights) {
        if (!only(name)) continue;
        for (let k = 0; k < Math.min(each, data.length); k++) {
          const i = random.below(data.length);
          const kept = data[i]!;
          const lossAt = async (v: number) => {
            data[i] = v;
            const { loss } = await at(batch);
            return loss;
          };
          const theirs =
            ((await lossAt(kept + h)) - (await lossAt(kept - h))) / (2 * h);
          data[i] = kept;
          const ours = found.gradients.get(name)?.[i] as number;
          pairs.push({ name: `${name}[${i}]`, ours, theirs });
        }
      }
      const scale = Math.max(...pairs.map((p) => Math.abs(p.theirs)));
      expect(scale).toBeGreaterThan(0);
      for (const { name, ours, theirs } of pairs)
        expect(Math.abs(ours - theirs), name).toBeLessThan(tolerance * scale);
      return found;
    },
  };
}
