import type { Dataset } from "#data";
import { requireClasses } from "./class-weights.ts";
import type { OpenPart, TrainingPart } from "./part.ts";

/**
 * Draws each row of a batch by itself: first a group, with probability to
 * its count to the power of 1 / temperature, then a row of it. At 1 every
 * row is as likely as another; the higher, the nearer to equal groups (as for
 * languages in Arivazhagan et al. 2019, arXiv:1907.05019).
 */
export function drawingGroups(
  members: readonly (readonly number[])[],
  temperature: number,
): NonNullable<TrainingPart["draw"]> {
  const shares = members.map((m) =>
    m.length === 0 ? 0 : m.length ** (1 / temperature),
  );
  const total = shares.reduce((sum, s) => sum + s, 0);
  return (_size, batchSize, random) =>
    Array.from({ length: batchSize }, () => {
      let point = random.uniform() * total;
      let k = shares.findIndex((s) => {
        point -= s;
        return point < 0;
      });
      if (k < 0) k = shares.findLastIndex((s) => s > 0);
      const own = members[k]!;
      return own[random.below(own.length)]!;
    });
}

/** Draws classes so. */
export const byTemperature =
  (temperature: number, train: Dataset): OpenPart =>
  () => {
    requireClasses("samplingTemperature", train);
    const { y, classes } = train;
    const members = classes.map((_, k) =>
      Array.from(y.keys()).filter((i) => y[i] === k),
    );
    return { isBlind: true, draw: drawingGroups(members, temperature) };
  };
