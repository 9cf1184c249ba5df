import { hashOf, Random, UsageError } from "#core";
import type { Model } from "#model";
import { describe, isFollowed, type TunedCandidate } from "../suite/index.ts";
import { checkTargets, type Parts } from "../tasks/index.ts";
import {
  describeTuning,
  planTuning,
  purposeOf,
  type Recipe,
  tuneOnce,
  withNewHead,
} from "./fine-tuning.ts";
import type { Maker } from "./maker.ts";
import type { Known } from "./ready.ts";
import { trainingKey } from "./train-once.ts";

/** A candidate that is fine-tuned from the base with one new head. */
export const tuned: Maker<TunedCandidate> = {
  outline(candidate, known, base) {
    const tuning = tuningOf(candidate, known, base);
    planTuning(tuning);
    return tuning.headed;
  },
  async make(candidate, shop, base) {
    const { adaptation } = candidate;
    const { suite } = shop.loaded;
    const tuning = tuningOf(candidate, shop, base.model);
    const key = hashOf({
      kind: "candidate",
      base: base.hash,
      baseStated: base.stated,
      adaptation: adaptation && {
        ...describe(adaptation),
        target: shop.data.target.train.fingerprint,
      },
      task: suite.task,
      ...describeTuning(candidate),
      ...trainingKey(shop, tuning),
    });
    const followed = isFollowed(suite, candidate);
    return tuneOnce({ key, followed }, tuning, base, shop);
  },
};

function tuningOf(candidate: TunedCandidate, known: Known, base: Model) {
  const tuning = withNewHead(recipeOf(candidate, known, base));
  checkTargets(tuning.headed, known.data.target.test, candidate.id);
  return tuning;
}

/** How a candidate of one head is fine-tuned from a base. */
export function recipeOf(
  candidate: TunedCandidate,
  known: Known,
  base: Model,
): Recipe {
  const { suite } = known.loaded;
  const { target } = known.data;
  const { train, validation } =
    candidate.labels === "source" || candidate.adaptation
      ? sourceDomainOf(candidate, known)
      : target;
  return {
    candidate,
    base,
    train,
    validation,
    target: target.train,
    task: suite.task,
    // The seed does not name the candidate, so candidates differ by what they state
    // and not by luck.
    random: new Random(suite.seed).fork(purposeOf("candidate", candidate)),
  };
}

/** The labelled data of the source domain. */
function sourceDomainOf(
  { id }: TunedCandidate,
  { data, loaded }: Known,
): Parts {
  if (data.sourceDomain) return data.sourceDomain;
  throw new UsageError(
    "SUITE_INVALID",
    `${loaded.file}: candidates.${id} learns from a source domain, the suite has none`,
    "State sourceData, or a shift of the data.",
  );
}
