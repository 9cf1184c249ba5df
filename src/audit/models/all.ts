import { takeSamples } from "#data";
import { compile } from "#model";
import { evenly, judgedOn } from "../tasks/index.ts";
import { asShipped } from "./as-shipped.ts";
import { makeBase, makeUnrelated } from "./base.ts";
import { makeCandidate } from "./candidate.ts";
import { contradictions } from "./own-labels.ts";
import { type Preflight, preflight } from "./preflight.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

/** The models of a run. */
export interface Models {
  /** Null where the suite has none. */
  readonly base: ReadyModel | null;
  /** One that does not descend from the base; null where nothing needs it. */
  readonly unrelated: ReadyModel | null;
  /** By their ids. */
  readonly candidates: ReadonlyMap<string, ReadyModel>;
}

/** Makes the models that a plan is about, or takes them from the store. */
export async function makeModels(
  plan: { readonly candidates: readonly string[]; readonly unrelated: boolean },
  shop: Workshop,
): Promise<Models> {
  shop.onEvent({ kind: "phase", title: "Preparing models" });
  const base = await makeBase(shop);
  const unrelated = plan.unrelated ? await makeUnrelated(shop) : null;
  const candidates = new Map<string, ReadyModel>();
  for (const id of plan.candidates)
    candidates.set(id, await makeCandidate(id, shop, base));
  return { base, unrelated, candidates };
}

/** Clean samples that tell guessing from knowing. */
const ENOUGH = 2000;

/**
 * Looks at every candidate before anything counts, and tells what is odd.
 *
 * @returns what was found of each, by their ids
 */
export async function checkModels(
  { candidates }: Models,
  { loaded, data, engine, onEvent }: Workshop,
): Promise<Map<string, Preflight>> {
  onEvent({ kind: "phase", title: "Checking models" });
  const looks = new Map<string, Preflight>();
  for (const [id, { model, unprocessed, says, asGiven }] of candidates) {
    const { task } = loaded.suite.candidates[id]!;
    const { attacked, target } = judgedOn(data, task);
    const more = takeSamples(target.test, evenly(target.test, ENOUGH));
    const compiled = await compile(model, engine);
    const plain = unprocessed && (await compile(unprocessed, engine));
    const found = await preflight(compiled, attacked, more, id, plain);
    const labels = await says?.(attacked.x);
    const said = labels
      ? await contradictions(compiled, attacked, id, labels)
      : [];
    const shipped = await asShipped(compiled, attacked, id, asGiven);
    await compiled.release();
    await plain?.release();
    const warnings = [...found.warnings, ...said, ...shipped.warnings];
    const faults = [...found.faults, ...shipped.faults];
    looks.set(id, {
      ...found,
      warnings,
      faults,
      shipped: shipped.shipped,
    });
    for (const message of [...warnings, ...faults])
      onEvent({ kind: "warning", message });
  }
  return looks;
}
