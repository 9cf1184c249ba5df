import type { Dataset } from "#data";
import { type Answers, classesSeen, type Model, rejections } from "#model";

/** Stands for no answer among classes. */
export const REFUSED = -2;

/**
 * What a deployed model says of samples: the class that attacks see, or that it
 * refuses to answer.
 */
export function decisions(
  model: Model,
  { logits, scores }: Answers,
  targets?: Dataset["targets"],
): Int32Array {
  const { detectors = [] } = model;
  const seen = classesSeen(model, logits, targets);
  const refused = rejections(detectors, scores, seen.length);
  return seen.map((k, i) => (refused[i] ? REFUSED : k));
}
