import { hashOf, Random } from "#core";
import type { Dataset } from "#data";
import { defend } from "#defenses";
import type { Engine } from "#engine";
import { type CompiledModel, compile } from "#model";
import type { OnEvent } from "./events.ts";
import { describe, type ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import { type ModelProbes, probeModel } from "./probes/index.ts";
import type { Store } from "./store.ts";

/** What computing cells needs. */
export interface Bench {
  readonly data: Dataset;
  readonly seed: number;
  readonly base: ReadyModel | null;
  readonly store: Store;
  readonly engine: Engine;
  readonly onEvent: OnEvent;
  readonly signal?: AbortSignal;
  /** Compiled models by hash; see `release`. */
  readonly compiled: Map<string, Opened>;
}

/** A model behind its sanitizers, ready to run. */
export interface Opened {
  readonly model: CompiledModel;
  /** Found once, when they are first asked for. */
  probes?: ModelProbes;
}

/** Releases the models that were compiled for cells. */
export async function release(bench: Bench): Promise<void> {
  for (const { model } of bench.compiled.values()) await model.release();
  bench.compiled.clear();
}

/** A model behind its sanitizers; compiled once for all the cells of a candidate. */
export async function openFor(
  ready: ReadyModel,
  sanitizers: PlannedCell["sanitizers"],
  { compiled, engine }: Bench,
): Promise<Opened> {
  const key = hashOf({ model: ready.hash, defense: sanitizers.map(describe) });
  const known = compiled.get(key);
  if (known) return known;
  const model = await compile(defend(ready.model, sanitizers), engine);
  const fresh = { model };
  compiled.set(key, fresh);
  return fresh;
}

/** What is seen of an opened model without any attack. */
export async function probesOf(
  opened: Opened,
  { data, seed }: Bench,
): Promise<ModelProbes> {
  opened.probes ??= await probeModel(
    opened.model,
    data,
    new Random(seed).fork("model probes"),
  );
  return opened.probes;
}
