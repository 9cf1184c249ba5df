import { hashOf, Random, UsageError } from "#core";
import type { Model } from "#model";
import { BASE, describe, isFollowed, taskNamed } from "../suite/index.ts";
import {
  checkFits,
  checkTargets,
  judgedOn,
  type Parts,
} from "../tasks/index.ts";
import { tell } from "./accuracy.ts";
import { makeAdapted, requireHeadFor } from "./adapted.ts";
import {
  describeTuning,
  keepTuned,
  purposeOf,
  type Recipe,
  withNewHead,
} from "./fine-tuning.ts";
import { given } from "./given.ts";
import { trainingKey } from "./keep.ts";
import type { Known, ReadyModel, Workshop } from "./ready.ts";

/** A candidate: fine-tuned from the base as its strategy says, or read from its file. */
export async function makeCandidate(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  const { loaded, data } = shop;
  const { suite } = loaded;
  const spec = suite.candidates[id]!;
  if (spec.model === BASE) return asItIs(id, shop, base);
  if (spec.model !== undefined) {
    const ready = await givenCandidate(id, shop, spec.model);
    const { target } = judgedOn(data, spec.member);
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

/** A candidate from its file. */
export async function givenCandidate(
  id: string,
  known: Known,
  model: string,
): Promise<ReadyModel> {
  const { loaded, data } = known;
  const { suite } = loaded;
  const { member, input, weights } = suite.candidates[id]!;
  const { test } = judgedOn(data, member).target;
  const options = {
    input,
    classes: test.classes,
    task: member ? taskNamed(loaded, member.task) : suite.task,
    ...(member ? { head: member.task } : {}),
    weights,
  };
  return given(id, model, known, options, test);
}

/** The base as a candidate, so that what is tuned from it can be compared with it. */
async function asItIs(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  if (!base) throw new Error("the plan says that there is a base");
  checkAsItIs(id, shop, base.model);
  await tell(shop, id, base.model, shop.data.target, true);
  return { ...base, id, history: [], ended: null };
}

/** Refuses a base that cannot be judged on the data as it is. */
export function checkAsItIs(
  id: string,
  { data, loaded }: Known,
  base: Model,
): void {
  const { test } = data.target;
  requireHeadFor(id, base, loaded.file, test);
  checkFits(test, base, base.classes, id);
  checkTargets(base, test, id);
}

/** How a candidate of one head is fine-tuned from a base. */
export function recipeOf(id: string, known: Known, base: Model): Recipe {
  const { suite } = known.loaded;
  const { target } = known.data;
  const spec = suite.candidates[id]!;
  const { train, validation } =
    spec.labels === "source" || spec.adaptation
      ? sourceDomainOf(id, known)
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
function sourceDomainOf(id: string, { data, loaded }: Known): Parts {
  if (data.sourceDomain) return data.sourceDomain;
  throw new UsageError(
    "SUITE_INVALID",
    `${loaded.file}: candidates.${id} learns from a source domain, the suite has none`,
    "State sourceData, or a shift of the data.",
  );
}
