import type { z } from "zod";
import type { Chosen } from "#core";
import type { Adaptation, TrainingDefense, TrainingSettings } from "#tuning";

interface Stated
  extends Pick<
    TrainingSettings,
    "augment" | "batchNorm" | "classWeights" | "samplingTemperature"
  > {
  readonly training?: readonly Chosen<TrainingDefense>[];
  readonly adaptation?: Chosen<Adaptation>;
}

/**
 * Refuses whatever stands beside a private training and looks at several samples at
 * once: it would go on to state an epsilon that does not hold.
 */
export function checkPrivate(stated: Stated, context: z.RefinementCtx): void {
  const { training = [], augment, adaptation } = stated;
  const name = training.find(({ unit }) => unit.isPrivate)?.unit.id;
  if (name === undefined) return;
  const refuse = (key: keyof Stated, why: string) =>
    context.addIssue({
      code: "custom",
      path: [key],
      message: `${why}, so the epsilon of ${name} would not hold: leave one of them out`,
    });
  for (const { unit, params } of training)
    if (!unit.isPrivate && !unit.isAlone(params))
      refuse(
        "training",
        `${unit.id} does not look at each sample alone, once and as it was drawn`,
      );
  for (const { unit } of augment)
    if (!unit.isAlone) refuse("augment", `${unit.id} mixes samples`);
  if (stated.classWeights !== null)
    refuse("classWeights", "class weights depend on other samples");
  if (stated.samplingTemperature !== null)
    refuse(
      "samplingTemperature",
      "samples of small classes are drawn more often than it counts",
    );
  if (stated.batchNorm === "batch")
    refuse("batchNorm", "statistics of a batch mix samples");
  if (adaptation)
    refuse(
      "adaptation",
      `${adaptation.unit.id} learns from further samples without a guarantee`,
    );
}
