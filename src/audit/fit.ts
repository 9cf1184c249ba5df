import { hashOf, InterruptedError, packageVersion, Random } from "#core";
import type { ChosenSanitizer, Fitted } from "#defenses";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { Bench } from "./bench.ts";
import { describe, type ReadyModel } from "./models.ts";
import { checkFits, prepareData } from "./prepare.ts";
import { loadSuite } from "./suite.ts";

/** What fitting needs of a bench. */
type Needed = Pick<
  Bench,
  "target" | "seed" | "store" | "engine" | "onEvent" | "signal"
>;

/** A sanitizer as it goes into hashes: with what it was fitted on, where it is fitted. */
export function describeFit(
  chosen: ChosenSanitizer,
  { hash }: Pick<ReadyModel, "hash">,
  { target, seed, engine }: Needed,
) {
  const described = describe(chosen);
  if (!chosen.unit.fit) return described;
  return {
    ...described,
    fittedOn: {
      model: hash,
      train: target.train.fingerprint,
      validation: target.validation.fingerprint,
      seed,
      version: packageVersion(),
      engine: engine.title,
    },
  };
}

/** The sanitizers of a candidate, those that have to be fitted with what an earlier run or this one found. */
export async function fitSanitizers(
  sanitizers: readonly ChosenSanitizer[],
  ready: ReadyModel,
  bench: Needed,
): Promise<ChosenSanitizer[]> {
  const all: ChosenSanitizer[] = [];
  for (const chosen of sanitizers)
    all.push({ ...chosen, fitted: await fitOrRead(chosen, ready, bench) });
  return all;
}

async function fitOrRead(
  chosen: ChosenSanitizer,
  ready: ReadyModel,
  bench: Needed,
): Promise<Fitted | undefined> {
  const { store, engine, target, seed, onEvent, signal } = bench;
  if (!chosen.unit.fit) return undefined;
  const key = hashOf(describeFit(chosen, ready, bench));
  const file = (name: string) => `fits/${key}/${name}.npy`;
  const names = store.read<string[]>(`fits/${key}.json`);
  const kept = names?.map((name) => [name, store.readTensor(file(name))]);
  if (kept?.every(([, value]) => value !== undefined))
    return new Map(kept as [string, FloatTensor][]);
  const found = await chosen.unit.fit(
    {
      model: ready.model,
      engine,
      train: target.train,
      validation: target.validation,
      random: fitRandom(seed),
      onProgress(share) {
        if (signal?.aborted) throw new InterruptedError();
        const cell = `${ready.id}: fitting ${chosen.unit.id}`;
        onEvent({ kind: "progress", cell, share });
      },
    },
    chosen.params,
  );
  for (const [name, value] of found) store.writeTensor(file(name), value);
  // Written last: a record means that the tensors are whole.
  store.write(`fits/${key}.json`, [...found.keys()]);
  return found;
}

/**
 * Fits sanitizers to a model on the data of a suite, as an audit of that suite
 * would, but keeps nothing.
 *
 * @throws what `loadSuite` and reading the data throw; DATA_SHAPE, DATA_BOUNDS, DATA_CLASSES for data that the model does not take
 */
export async function fitToSuite(
  sanitizers: readonly ChosenSanitizer[],
  model: Model,
  suite: string,
  engine: Engine,
): Promise<ChosenSanitizer[]> {
  const loaded = loadSuite(suite);
  const { train, validation } = (await prepareData(loaded)).target;
  const { shape, bounds } = model.contract;
  checkFits(train, shape, bounds, model.classes, "the model");
  const fitted: ChosenSanitizer[] = [];
  for (const chosen of sanitizers)
    fitted.push({
      ...chosen,
      fitted: await chosen.unit.fit?.(
        {
          model,
          engine,
          train,
          validation,
          random: fitRandom(loaded.suite.seed),
          onProgress() {},
        },
        chosen.params,
      ),
    });
  return fitted;
}

/** What every fit draws from, so that hardening a model finds the same as auditing it. */
const fitRandom = (seed: number) => new Random(seed).fork("fit");
