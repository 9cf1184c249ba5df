import type { Dataset } from "#data";
import { bestConstant, type Model, meaningOf } from "#model";
import type { FloatTensor } from "#onnx";
import { moreOften } from "../statistics/index.ts";

/** What the answers of a model are worth beside one answer for everything. */
export interface Guesswork {
  readonly samples: number;
  /** Samples that the model is right on. */
  readonly right: number;
  /** Samples that the best single answer is right on. */
  readonly constant: number;
  /**
   * Whether it says the same of every sample, where no single answer is right on all.
   */
  readonly oneAnswer: boolean;
  /**
   * How likely the model's lead is by chance, by a one-sided exact test on the same
   * samples.
   */
  readonly pValue: number;
  /**
   * The same of a model that is right on all: how much so few samples can tell at most.
   */
  readonly least: number;
}

/** How likely chance may be. */
const SURE = 0.05;

/**
 * Compares a model with the best single answer for all samples, which imbalanced data
 * makes right often.
 *
 * @param outputs of the model [N, outputs]
 * @param seen the class that attacks see of each sample; see `classesSeen`
 */
export function guessworkOf(
  model: Model,
  outputs: FloatTensor,
  seen: Int32Array,
  { y, targets }: Pick<Dataset, "y" | "targets">,
): Guesswork {
  const constant = bestConstant(model, y, targets);
  const right = Array.from(y, (label, i) => seen[i] === label);
  const only = (one: readonly boolean[], other: readonly boolean[]) =>
    one.filter((is, i) => is && !other[i]).length;
  const missed = constant.filter((is) => !is).length;
  return {
    samples: y.length,
    right: right.filter(Boolean).length,
    constant: y.length - missed,
    oneAnswer: missed > 0 && answersAlike(model, outputs),
    pValue: moreOften(only(right, constant), only(constant, right)),
    least: moreOften(missed, 0),
  };
}

/**
 * Whether the answers cannot be told from one answer for everything, though so many
 * samples could have told.
 */
export const isGuesswork = ({ oneAnswer, pValue, least }: Guesswork): boolean =>
  oneAnswer || (pValue >= SURE && least < SURE);

/**
 * What is odd about the answers, without a subject and a full stop; undefined where
 * nothing is.
 */
export function guessworkInWords(found: Guesswork): string | undefined {
  const { samples, right, constant, oneAnswer, pValue, least } = found;
  if (oneAnswer)
    return `gives the same answer for all ${samples} clean samples, which is right for ${right}`;
  if (pValue < SURE) return undefined;
  const seen = `is right on ${right} of ${samples} clean samples, and the best single answer for everything on ${constant}`;
  return least < SURE
    ? `${seen}: it cannot be told from guessing`
    : `${seen}: so few samples cannot tell it from guessing, whatever the model`;
}

/** Whether a model says the same of every sample. */
function answersAlike(model: Model, { data, dims }: FloatTensor): boolean {
  const { answer, said, targetWidth } = meaningOf(model);
  const [n = 0, width = 0] = dims;
  // In words, what is said of many positions is a summary, and steps vary.
  const say = (row: Float32Array) =>
    targetWidth ? said(row)?.join() : answer(row);
  const first = say(data.subarray(0, width));
  for (let i = 1; i < n; i++)
    if (say(data.subarray(i * width, (i + 1) * width)) !== first) return false;
  return true;
}
