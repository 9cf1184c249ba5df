import type { Dataset } from "#data";
import { chanceOf, kinshipOf, layerGroups, meaningOf } from "#model";
import type { FloatTensor } from "#onnx";
import type { Results } from "../results/index.ts";
import { MAIN, unitResult } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { accuracyOf, cleanAccuracy, measured } from "./accuracy.ts";
import { isGuesswork } from "./guesswork.ts";
import type { Preflight } from "./preflight.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

/** What the outputs of a candidate mean, where they are not classes. */
export function taskResult(
  { model }: ReadyModel,
  { targets }: Dataset,
): Results["task"] {
  const { task } = model;
  if (!task || task.kind === "classes" || task.kind === "binary")
    return undefined;
  const { broken } = meaningOf(model);
  return { kind: task.kind, broken, chance: chanceOf(model, targets) };
}

/** The base in the results document, or the model that does not descend from it. */
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
    units: unitsOf(base),
    training: training.length > 0 ? training.map(unitResult) : undefined,
  };
}

const unitsOf = ({ told }: ReadyModel) =>
  told && { taken: told.units, why: told.why };

/**
 * A candidate in the results document.
 *
 * @param outputs what it says of the test split [N, outputs]
 */
export async function candidateResult(
  ready: ReadyModel,
  shop: Workshop,
  base: ReadyModel | null,
  look: Preflight,
  outputs: FloatTensor,
): Promise<Results["candidates"][number]> {
  const candidate = shop.loaded.suite.candidates[ready.id]!;
  const { task, trunk, replica, adaptation } = candidate;
  const judged = judgedOn(shop.data, task);
  const { test } = judged.target;
  const measures = measured(ready.model, outputs, test.targets);
  const [training, ...more] = candidate.training;
  return {
    id: ready.id,
    replica,
    member: trunk
      ? {
          of: trunk.of,
          task,
          tasks: [...trunk.tasks],
          weighting:
            candidate.kind === "member"
              ? unitResult(candidate.taskWeights)
              : null,
          classes: [...ready.model.classes],
          broken: meaningOf(ready.model).broken,
          chance: chanceOf(ready.model, judged.attacked.targets),
        }
      : undefined,
    origin: ready.lineage ? "tuned" : "given",
    strategy: "strategy" in candidate ? unitResult(candidate.strategy) : null,
    training: training ? unitResult(training) : null,
    moreTraining: more.length > 0 ? more.map(unitResult) : undefined,
    adaptation: adaptation ? unitResult(adaptation) : null,
    // The source domain has the labels of the suite's own task.
    sourceAccuracy:
      shop.data.sourceDomain && task === MAIN
        ? await cleanAccuracy(ready.model, shop.data.sourceDomain, shop.engine)
        : null,
    lineage: ready.lineage,
    kinship: base && kinshipOf(base.model, ready.model),
    file: ready.file,
    hash: ready.hash,
    units: unitsOf(ready),
    shipped: look.shipped,
    parameters: layerGroups(ready.model.graph).reduce(
      (sum, g) => sum + g.size,
      0,
    ),
    trainableParameters: ready.trainableParameters,
    cleanAccuracy: accuracyOf(ready.model, outputs, test),
    guesses: isGuesswork(look.guesswork) ? true : undefined,
    measures: measures.length > 0 ? measures : undefined,
    history: ready.history,
    ended: ready.ended,
  };
}
