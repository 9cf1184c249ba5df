import { Random } from "#core";
import type { Schedule } from "#tuning";
import type { LawOptions } from "./attacks.ts";
import { ensure, ensureSame, type Law } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";

/** Steps of a training, and of each of its epochs. */
const TRAININGS = [
  [1, 1],
  [2, 1],
  [7, 7],
  [100, 10],
  [999, 37],
] as const;

/**
 * The laws of schedules of the learning rate.
 *
 * @example
 * ```ts
 * import { scheduleLaws } from "assay/conformance";
 * import { straightDown } from "./straight-down.ts";
 *
 * for (const { title, check } of scheduleLaws(straightDown)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function scheduleLaws(
  unit: Schedule,
  { params: stated = {} }: LawOptions = {},
): Law[] {
  const params = () => unit.params.parse(stated);
  /** The factors of a training, whose epochs are told what was seen. */
  const factors = (total: number, perEpoch: number, seed: number) => {
    const course = unit.course(params(), total, perEpoch);
    const random = new Random(seed);
    return Array.from({ length: total }, (_, step) => {
      const factor = course.factor(step);
      if ((step + 1) % perEpoch === 0)
        course.observe?.({
          loss: random.uniform(),
          accuracy: random.uniform(),
        });
      return factor;
    });
  };
  return [
    {
      title: "gives a finite factor from 0 on at every step of any training",
      async check() {
        for (const [total, perEpoch] of TRAININGS)
          factors(total, perEpoch, 1).forEach((factor, step) => {
            ensure(
              Number.isFinite(factor) && factor >= 0,
              `${factor} at step ${step} of ${total}`,
            );
          });
      },
    },
    {
      title: "trains: some factor of a training is above 0",
      async check() {
        for (const [total, perEpoch] of TRAININGS)
          ensure(
            factors(total, perEpoch, 1).some((factor) => factor > 0),
            `every factor of ${total} steps is 0`,
          );
      },
    },
    {
      title:
        "the same training has the same rates, whatever was trained before",
      async check() {
        const before = factors(100, 10, 1);
        factors(999, 37, 2);
        ensureSame(before, factors(100, 10, 1), "the factors");
      },
    },
    saysWhatItIs("schedule", unit),
  ];
}
