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

/** Looks at a candidate before anything counts. */
export async function lookAt(
  id: string,
  models: Models,
  shop: Workshop,
): Promise<Look> {
  const ready = await models.candidate(id);
  const seen = await checked(ready, shop);
  return {
    preflight: seen,
    result: await candidateResult(ready, shop, await models.base(), seen),
    task: taskResult(ready, shop.data.attacked),
  };
}

/** Clean samples that tell guessing from knowing. */
const ENOUGH = 2000;

/** What is odd about a candidate. */
async function checked(
  { id, model, unprocessed, says, asGiven }: ReadyModel,
  { loaded, data, engine }: Workshop,
): Promise<Preflight> {
  const { task } = loaded.suite.candidates[id]!;
  const { attacked, target } = judgedOn(data, task);
  const more = takeSamples(target.test, evenly(target.test, ENOUGH));
  const compiled = onceAbout(attacked.x, await compile(model, engine));
  const plain = unprocessed && (await compile(unprocessed, engine));
  try {
    const found = await preflight(compiled, attacked, more, id, plain);
    const labels = await says?.(attacked.x);
    const said = labels
      ? await contradictions(compiled, attacked, id, labels)
      : [];
    const shipped = await asShipped(compiled, attacked, id, asGiven);
    return {
      ...found,
      warnings: [...found.warnings, ...said, ...shipped.warnings],
      faults: [...found.faults, ...shipped.faults],
      shipped: shipped.shipped,
    };
  } finally {
    await compiled.release();
    await plain?.release();
  }
}

/** The same model, which is asked but once about these samples. */
function onceAbout(x: FloatTensor, model: CompiledModel): CompiledModel {
  // One that draws at random says something else each time.
  if (model.model.noise) return model;
  let said: Promise<FloatTensor> | undefined;
  return {
    ...model,
    logits(asked, draws) {
      if (asked !== x) return model.logits(asked, draws);
      said ??= model.logits(asked, draws);
      return said;
    },
  };
}
