import type { Dataset } from "#data";
import { type Answers, classesSeen, isFlagged, type Model } from "#model";
import { decisions, REFUSED } from "../models/index.ts";
import type { Detection } from "../results/index.ts";
import { rate, roc } from "../statistics/index.ts";

/**
 * How the detectors of a model did in a cell; null for a model without any.
 *
 * @param clean what the model says of the samples, and of the same under attack
 */
export function detectionOf(
  model: Model,
  clean: Answers,
  attacked: Answers,
  { y, targets }: Pick<Dataset, "y" | "targets">,
): Detection | null {
  const { detectors = [] } = model;
  if (detectors.length === 0) return null;
  const n = y.length;
  const all = Array.from(y.keys());
  const right = ({ logits }: Answers) => {
    const predicted = classesSeen(model, logits, targets);
    return (i: number) => predicted[i] === y[i];
  };
  const [rightClean, rightAttacked] = [right(clean), right(attacked)];
  const side = (answers: Answers, isRight: (i: number) => boolean) => {
    const said = decisions(model, answers, targets);
    const accepted = all.filter((i) => said[i] !== REFUSED);
    return {
      rejected: rate(n - accepted.length, n),
      acceptedAccuracy:
        accepted.length === 0
          ? null
          : rate(accepted.filter(isRight).length, accepted.length),
    };
  };
  const usable = all.filter(rightClean);
  const fooled = usable.filter((i) => !rightAttacked(i));
  return {
    clean: side(clean, rightClean),
    attacked: side(attacked, rightAttacked),
    detectors: detectors.map((detector, k) => {
      const of = (answers: Answers, samples: readonly number[]) =>
        samples.map((i) => answers.scores[k]?.data[i] as number);
      const flagged = (scores: readonly number[]) =>
        scores.filter((score) => isFlagged(score, detector)).length;
      const falsely = flagged(of(clean, all));
      const rightly = flagged(of(attacked, fooled));
      return {
        id: detector.id,
        policy: detector.rejects ? ("reject" as const) : ("sanitise" as const),
        threshold: detector.threshold,
        falsePositives: rate(falsely, n),
        detected: fooled.length === 0 ? null : rate(rightly, fooled.length),
        roc: roc(of(clean, usable), of(attacked, fooled)),
      };
    }),
  };
}
