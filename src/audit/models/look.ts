import { takeSamples } from "#data";
import { type CompiledModel, compile } from "#model";
import type { FloatTensor } from "#onnx";
import type { Results } from "../results/index.ts";
import { evenly, judgedOn } from "../tasks/index.ts";
import type { Models } from "./all.ts";
import { asShipped } from "./as-shipped.ts";
import { contradictions } from "./own-labels.ts";
import { type Preflight, preflight } from "./preflight.ts";
import type { ReadyModel, Workshop } from "./ready.ts";
import { candidateResult, taskResult } from "./results.ts";

/** What is seen of a candidate before anything counts. */
export interface Look {
  readonly preflight: Preflight;
  /** The candidate in the results document. */
  readonly result: Results["candidates"][number];
  readonly task: Results["task"];
}

/** Clean samples that tell guessing from knowing. */
const ENOUGH = 2000;

/**
 * Looks at a candidate before anything counts.
 *
 * @param onSaid told what it says of the attacked samples, where it does not draw
 */
export async function lookAt(
  id: string,
  models: Models,
  shop: Workshop,
  onSaid: (logits: FloatTensor) => void = () => {},
): Promise<Look> {
  const ready = await models.candidate(id);
  const { task } = shop.loaded.suite.candidates[id]!;
  const { attacked, target } = judgedOn(shop.data, task);
  const { test } = target;
  const compiled = await compile(ready.model, shop.engine);
  const model = onceAbout([attacked.x, test.x], compiled);
  try {
    const seen = await checked(ready, model, shop);
    const result = await candidateResult(
      ready,
      shop,
      await models.base(),
      seen,
      await model.logits(test.x),
    );
    if (!compiled.model.noise) onSaid(await model.logits(attacked.x));
    return {
      preflight: seen,
      result,
      task: taskResult(ready, shop.data.attacked),
    };
  } finally {
    await compiled.release();
  }
}

/** What is odd about a candidate. */
async function checked(
  { id, unprocessed, says, asGiven }: ReadyModel,
  model: CompiledModel,
  { loaded, data, engine }: Workshop,
): Promise<Preflight> {
  const { task } = loaded.suite.candidates[id]!;
  const { attacked, target } = judgedOn(data, task);
  const { test } = target;
  const more =
    test.y.length > ENOUGH ? takeSamples(test, evenly(test, ENOUGH)) : test;
  const plain = unprocessed && (await compile(unprocessed, engine));
  try {
    const found = await preflight(model, attacked, more, id, plain);
    const labels = await says?.(attacked.x);
    const said = labels
      ? await contradictions(model, attacked, id, labels)
      : [];
    const shipped = await asShipped(model, attacked, id, asGiven);
    return {
      ...found,
      warnings: [...found.warnings, ...said, ...shipped.warnings],
      faults: [...found.faults, ...shipped.faults],
      shipped: shipped.shipped,
    };
  } finally {
    await plain?.release();
  }
}

/** The same model, which is asked but once about each of these sets of samples. */
function onceAbout(
  sets: readonly FloatTensor[],
  model: CompiledModel,
): CompiledModel {
  // One that draws at random says something else each time.
  if (model.model.noise) return model;
  const said = new Map<FloatTensor, Promise<FloatTensor>>();
  return {
    ...model,
    logits(asked, draws) {
      const set = sets.find((x) => x === asked);
      if (!set) return model.logits(asked, draws);
      const known = said.get(set) ?? model.logits(set, draws);
      said.set(set, known);
      return known;
    },
  };
}
