import { hashOf, Random, UsageError } from "#core";
import type { Model } from "#model";
import { makeAdapted, requireHeadFor } from "./adapted.ts";
import { isFollowed } from "./epochs.ts";
import {
  describeTuning,
  keepTuned,
  purposeOf,
  type Recipe,
  withNewHead,
} from "./fine-tuning.ts";
import {
  describe,
  given,
  type ReadyModel,
  tell,
  trainingKey,
  type Workshop,
} from "./models.ts";
import { checkFits, checkTargets, type Parts } from "./prepare.ts";
import { BASE, type CandidateSpec } from "./suite.ts";
import { judgedOn, taskNamed } from "./tasks.ts";

/** A candidate: fine-tuned from the base as its strategy says, or read from its file. */
export async function makeCandidate(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  const { loaded, data } = shop;
  const { suite } = loaded;
  const spec = suite.candidates[id] as CandidateSpec;
  if (spec.model === BASE) return asItIs(id, shop, base);
  if (spec.model !== undefined) {
    const { member } = spec;
    const { target } = judgedOn(data, member);
    const options = {
      input: spec.input,
      classes: target.test.classes,
      task: member ? taskNamed(loaded, member.task) : suite.task,
      ...(member ? { head: member.task } : {}),
      weights: spec.weights,
    };
    const ready = given(id, spec.model, shop, options, target.test);
    await tell(shop, id, ready.model, target, false);
    return ready;
  }
  if (!base) throw new Error("a tuned candidate has a base; the plan says so");
  const { adaptation } = spec;
  if (adaptation?.unit.kind === "source-free")
    return makeAdapted(id, shop, base, adaptation);
  const recipe = recipeOf(id, shop, base.model);
  const key = hashOf({
    kind: "candidate",
    base: base.hash,
    adaptation: adaptation && {
      ...describe(adaptation),
      target: data.target.train.fingerprint,
    },
    task: suite.task,
    ...describeTuning(spec),
    ...trainingKey(shop, recipe),
  });
  const tuning = withNewHead(recipe);
  checkTargets(tuning.headed, data.target.test, id);
  const { reused, ...made } = await keepTuned(
    { id, key, followed: isFollowed(suite, id) },
    tuning,
    base,
    shop,
  );
  await tell(shop, id, made.model, data.target, reused);
  return made;
}

/** The base as a candidate, so that what is tuned from it can be compared with it. */
async function asItIs(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  const { data, loaded } = shop;
  if (!base) throw new Error("the plan says that there is a base");
  requireHeadFor(id, base, loaded.file, data.target.test);
  checkFits(data.target.test, base.model, base.model.classes, id);
  checkTargets(base.model, data.target.test, id);
  await tell(shop, id, base.model, data.target, true);
  return { ...base, id, history: [], ended: null };
}

/** How a candidate of one head is fine-tuned from a base. */
export function recipeOf(id: string, shop: Workshop, base: Model): Recipe {
  const { suite } = shop.loaded;
  const { target } = shop.data;
  const spec = suite.candidates[id] as CandidateSpec;
  const { train, validation } =
    spec.labels === "source" || spec.adaptation
      ? sourceDomainOf(id, shop)
      : target;
  return {
    spec,
    base,
    train,
    validation,
    target: target.train,
    task: suite.task,
    // The seed does not name the candidate, so candidates differ by what they state and not by luck.
    random: new Random(suite.seed).fork(purposeOf(spec)),
  };
}

/** The labelled data of the source domain. */
function sourceDomainOf(id: string, { data, loaded }: Workshop): Parts {
  if (data.sourceDomain) return data.sourceDomain;
  throw new UsageError(
    "SUITE_INVALID",
    `${loaded.file}: candidates.${id} learns from a source domain, the suite has none`,
    "State sourceData, or a shift of the data.",
  );
}
