import { UsageError } from "#core";
import type { Known } from "../models/index.ts";
import type { Candidate } from "../suite/index.ts";

/**
 * Refuses a private fine-tuning of samples that the base of the same suite is
 * pre-trained on: the weights that it starts from know them already.
 *
 * @throws TRAINING_PRIVATE
 */
export function checkPrivateBase(
  { training, labels }: Candidate,
  { loaded, data }: Known,
): void {
  const { suite } = loaded;
  const name = training.find(({ unit }) => unit.isPrivate)?.unit.id;
  if (name === undefined || !suite.base?.pretrain) return;
  // A shift changes samples of the source domain, and keeps who they are of.
  const shares = data.sourceDomain
    ? labels === "source" || suite.sourceData === undefined
    : data.target.train.classes.some((c) => suite.base?.classes?.includes(c));
  if (!shares) return;
  throw new UsageError(
    "TRAINING_PRIVATE",
    `the base is pre-trained on samples that ${name} is to keep private, so its epsilon would not hold`,
    "Pre-train on sourceData or on classes that are not the task's, or give a base that never saw these samples.",
  );
}
