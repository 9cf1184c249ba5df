import { chanceOf, kinshipOf, layerGroups, meaningOf } from "#model";
import type { Results } from "../results/index.ts";
import { MAIN, unitResult } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { cleanAccuracy, cleanPerformance } from "./accuracy.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

/** The base in the results document. */
export async function baseResult(
  base: ReadyModel,
  shop: Workshop,
): Promise<NonNullable<Results["base"]>> {
  const groups = layerGroups(base.model.graph);
  const { pretrain } = shop.loaded.suite.base ?? {};
  const training = base.lineage ? (pretrain?.training ?? []) : [];
  return {
    file: base.file,
    hash: base.hash,
    origin: base.lineage ? "pre-trained" : "given",
    classes: [...base.model.classes],
    parameters: groups.reduce((sum, g) => sum + g.size, 0),
    groups: groups.map((g) => ({ name: g.name, parameters: g.size })),
    cleanAccuracy: shop.data.pretraining
      ? await cleanAccuracy(base.model, shop.data.pretraining, shop.engine)
      : null,
    history: base.history,
    ...(training.length > 0 ? { training: training.map(unitResult) } : {}),
  };
}

/** A candidate in the results document. */
export async function candidateResult(
  ready: ReadyModel,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<Results["candidates"][number]> {
  const spec = shop.loaded.suite.candidates[ready.id];
  const judged = judgedOn(shop.data, spec?.member ?? null);
  const { accuracy, measures } = await cleanPerformance(
    ready.model,
    judged.target,
    shop.engine,
  );
  const [training, ...more] = spec?.training ?? [];
  return {
    id: ready.id,
    replica: spec?.replica ?? null,
    ...(spec?.member
      ? {
          member: {
            ...spec.member,
            tasks: spec.tasks ?? [],
            weighting: spec.model ? null : unitResult(spec.taskWeights),
            classes: [...ready.model.classes],
            broken: meaningOf(ready.model).broken,
            chance: chanceOf(ready.model, judged.attacked.targets),
          },
        }
      : {}),
    origin: ready.lineage ? "tuned" : "given",
    strategy: spec?.strategy ? unitResult(spec.strategy) : null,
    training: training ? unitResult(training) : null,
    ...(more.length > 0 ? { moreTraining: more.map(unitResult) } : {}),
    adaptation: spec?.adaptation ? unitResult(spec.adaptation) : null,
    // The source domain has the labels of the suite's own task.
    sourceAccuracy:
      shop.data.sourceDomain && (spec?.member?.task ?? MAIN) === MAIN
        ? await cleanAccuracy(ready.model, shop.data.sourceDomain, shop.engine)
        : null,
    lineage: ready.lineage,
    kinship: base && kinshipOf(base.model, ready.model),
    file: ready.file,
    hash: ready.hash,
    parameters: layerGroups(ready.model.graph).reduce(
      (sum, g) => sum + g.size,
      0,
    ),
    trainableParameters: ready.trainableParameters,
    cleanAccuracy: accuracy,
    ...(measures.length > 0 ? { measures } : {}),
    history: ready.history,
    ended: ready.ended,
  };
}
