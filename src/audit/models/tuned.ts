import { hashOf, Random, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Model } from "#model";
import { describe, isFollowed, type TunedCandidate } from "../suite/index.ts";
import { checkTargets, type Parts } from "../tasks/index.ts";
import {
  describeTuning,
  type FineTuning,
  fineTuningFrom,
  planTuning,
  purposeOf,
  tuneOnce,
} from "./fine-tuning.ts";
import type { Maker } from "./maker.ts";
import type { KeyPlace, Known, ReadyModel, Workshop } from "./ready.ts";
import { trainingKey } from "./train-once.ts";

/** A candidate that is fine-tuned from the base with one new head. */
export const tuned: Maker<TunedCandidate> = {
  outline(candidate, known, base) {
    const tuning = tuningOf(candidate, known, base);
    planTuning(tuning);
    return tuning.headed;
  },
  rehearse(candidate, known, base) {
    planTuning(tuningOf(candidate, known, base)).rehearse();
  },
  key: (candidate, place, base) => keyOf(candidate, place, base),
  make: (candidate, shop, base) => tuneFrom(base, candidate, shop),
};

/** What a trial does otherwise than a candidate's own fine-tuning. */
interface Otherwise {
  readonly train?: Dataset;
  /** Another seed, by a name that says what for. */
  readonly seed?: string;
}

/**
 * Fine-tunes a candidate from a base, or takes it from the store. What a trial does
 * otherwise has a file of its own name.
 */
export async function tuneFrom(
  base: Pick<ReadyModel, "model" | "hash" | "key">,
  candidate: TunedCandidate,
  shop: Workshop,
  otherwise?: Otherwise,
): Promise<ReadyModel> {
  const { id } = candidate;
  const tuning = tuningOf(candidate, shop, base.model, otherwise);
  const key = keyOf(candidate, shop, base.key, otherwise);
  const named = otherwise
    ? { key, name: `${id}-trial` }
    : { key, followed: isFollowed(shop.loaded.suite, candidate) };
  return tuneOnce(named, tuning, base, shop);
}

function keyOf(
  candidate: TunedCandidate,
  place: KeyPlace,
  base: string,
  otherwise: Otherwise = {},
): string {
  const { adaptation } = candidate;
  return hashOf({
    kind: "candidate",
    base,
    purpose: otherwise.seed,
    adaptation: adaptation && describe(adaptation),
    target: place.data.target.train.fingerprint,
    task: place.loaded.suite.task,
    ...describeTuning(candidate),
    ...trainingKey(place, learnedFrom(candidate, place, otherwise)),
  });
}

/** What a candidate learns from, and what chooses its best epoch. */
function learnedFrom(
  candidate: TunedCandidate,
  known: Known,
  { train }: Otherwise,
): Pick<Parts, "train" | "validation"> {
  const domain =
    candidate.labels === "source" || candidate.adaptation
      ? sourceDomainOf(candidate, known)
      : known.data.target;
  return { train: train ?? domain.train, validation: domain.validation };
}

function tuningOf(
  candidate: TunedCandidate,
  known: Known,
  base: Model,
  otherwise: Otherwise = {},
): FineTuning {
  const { suite } = known.loaded;
  const { target } = known.data;
  const { seed } = otherwise;
  // The seed does not name the candidate, so candidates differ by what they state
  // and not by luck.
  const random = new Random(suite.seed).fork(
    seed ? `trial ${seed}` : purposeOf("candidate", candidate),
  );
  const tuning = fineTuningFrom(base, candidate, {
    ...learnedFrom(candidate, known, otherwise),
    target: target.train,
    task: suite.task,
    random,
  });
  for (const part of Object.values(target))
    checkTargets(tuning.headed, part, candidate.id);
  return tuning;
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
