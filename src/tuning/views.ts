import { AssayError, type Random } from "#core";
import type { FloatTensor } from "#onnx";
import { batchOf, prepared } from "./batches.ts";
import type { Moment } from "./part.ts";
import type { TrainingSettings } from "./settings.ts";
import type { Run } from "./training.ts";

/** One generator for each of some rows, in a pass over the data. */
export const generators = (
  random: Random,
  pass: number | "validation",
  rows: readonly number[],
): Random[] => {
  const named = pass === "validation" ? "validation " : `${pass}/`;
  return rows.map((i) => random.fork(`sample ${named}${i}`));
};

/**
 * Refuses a number of views where nothing augments, or where what augments mixes
 * samples, so that a view of one is not its own.
 */
export function requireViews({ views, augment }: TrainingSettings): void {
  if (views === undefined) return;
  const mixing = augment.find(({ unit }) => !unit.isAlone);
  if (augment.length > 0 && !mixing) return;
  throw new AssayError(
    "TRAINING_PARTS",
    mixing
      ? `views: ${views} keeps views of each sample, and augmentation "${mixing.unit.id}" mixes samples`
      : `views: ${views} keeps augmented samples, and nothing augments`,
    mixing ? "Leave one of them out." : "Leave views out, or name augment.",
  );
}

/** Training samples as one of their views has them, whatever the weights are. */
export async function viewed(
  { train, random, augmenting }: Run,
  rows: readonly number[],
  view: number,
): Promise<FloatTensor> {
  const moment: Moment = {
    random: generators(random, view, rows),
    get model(): never {
      throw seesWeights();
    },
    get batchRandom(): never {
      throw seesWeights();
    },
    slope: () => Promise.reject(seesWeights()),
    step: 0,
    progress: 0,
    epoch: view,
  };
  return (await prepared(augmenting, batchOf(train, rows, false), moment)).x;
}

const seesWeights = () =>
  new AssayError(
    "TRAINING_PARTS",
    "an augmentation looks at the model or at the whole batch, and views are made of each sample by itself",
    "Leave views out.",
  );
