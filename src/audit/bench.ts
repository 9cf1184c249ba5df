import { hashOf, Random } from "#core";
import type { Dataset } from "#data";
import { defend } from "#defenses";
import type { Engine } from "#engine";
import { type CompiledModel, compile } from "#model";
import type { OnEvent } from "./events.ts";
import { fitDefenses } from "./fit.ts";
import { describe, type ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import type { Parts } from "./prepare.ts";
import { type ModelProbes, probeModel } from "./probes/index.ts";
import type { Store } from "./store.ts";

/** What computing cells needs. */
export interface Bench {
  /** The samples that are attacked. */
  readonly data: Dataset;
  /** The target task, on whose other samples defences are fitted. */
  readonly target: Parts;
  readonly seed: number;
  readonly base: ReadyModel | null;
  readonly store: Store;
  readonly engine: Engine;
  readonly onEvent: OnEvent;
  readonly signal?: AbortSignal;
  /** Compiled models by hash; see `release`. */
  readonly compiled: Map<string, Opened>;
}

/** A model behind its defence, ready to run. */
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

/** A model behind its defence, fitted and compiled once for all the cells of a candidate. */
export async function openFor(
  ready: ReadyModel,
  parts: PlannedCell["parts"],
  bench: Bench,
): Promise<Opened> {
  const { compiled, engine } = bench;
  const key = hashOf({
    model: ready.hash,
    stated: ready.stated,
    defense: parts.map(describe),
  });
  const known = compiled.get(key);
  if (known) return known;
  const fitted = await fitDefenses(parts, ready, bench);
  const model = await compile(defend(ready.model, fitted), engine);
  const fresh = { model };
  compiled.set(key, fresh);
  return fresh;
}

/** What a model that draws at random draws from at each sample, for a purpose. Whatever was asked before, it is the same. */
export const drawsFor = ({ data, seed }: Bench, purpose: string): Random[] => {
  const stream = new Random(seed).fork(`draws for ${purpose}`);
  return Array.from(data.y, (_, i) => stream.fork(i));
};

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
