import { ballOf, editsLimit } from "#attacks";
import { hashOf } from "#core";
import type { Dataset } from "#data";
import {
  type ChosenDefense,
  defend,
  isTextSanitizer,
  openTextSanitizers,
} from "#defenses";
import {
  type Answers,
  type CompiledModel,
  compile,
  type Draws,
  type Limit,
  type Samples,
} from "#model";
import { type FloatTensor, tensor } from "#onnx";
import type {
  Foreseen,
  Models,
  ModelWorks,
  ReadyModel,
  Workshop,
} from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { judgedOn, type TaskData } from "../tasks/index.ts";
import { byWord, ofWords, wordsLimit } from "./by-word.ts";
import { describeFits, type Fitting, fitDefenses } from "./fit.ts";
import type { Known } from "./known.ts";
import { openPeers, type Peers } from "./peers.ts";

/** What computing cells needs. */
export interface Bench extends Fitting {
  /** The samples that are attacked. */
  readonly data: Dataset;
  /** Which samples of the suite's data these are; null for data of the task's own. */
  readonly rows: TaskData["rows"];
  readonly models: Models;
  /** What is known of them before they are made. */
  readonly foreseen: ModelWorks;
  readonly peers: Peers;
  /** Samples of the task that the base was trained on; null for one that is given. */
  readonly source: Dataset | null;
  /** Compiled models by hash; see `release`. */
  readonly compiled: Map<string, Opened>;
  /** What was seen of each of them on some samples; see `knownOf`. */
  readonly known: Map<string, Known>;
}

/** What a candidate of a run is attacked with. All share what is compiled. */
export type BenchOf = (candidate: string) => Bench;

/** Makes candidates ready to be attacked. */
export function openBenches(
  shop: Workshop,
  models: Models,
  foreseen: ModelWorks,
): BenchOf {
  const { loaded, data, ...workplace } = shop;
  const { suite, folder } = loaded;
  const peersOf = openPeers(shop, foreseen.base?.key ?? null);
  const compiled = new Map<string, Opened>();
  const seen = new Map<string, Known>();
  const benches = new Map<string, Bench>();
  return (candidate) => {
    const known = benches.get(candidate);
    if (known) return known;
    const { task } = suite.candidates[candidate]!;
    const { target, attacked, rows } = judgedOn(data, task);
    const bench = {
      ...workplace,
      data: byWord(attacked),
      target: { ...target, test: byWord(target.test) },
      rows,
      folder,
      models,
      foreseen,
      peers: peersOf(candidate),
      source: data.pretraining?.train ?? null,
      compiled,
      known: seen,
    };
    benches.set(candidate, bench);
    return bench;
  };
}

/** What is attacked: known by its key before it is there. */
export interface Subject extends Foreseen {
  readonly candidate: string;
  open(): Promise<ReadyModel>;
}

/** A candidate as what is attacked. */
export const subjectOf = (candidate: string, bench: Bench): Subject => ({
  ...bench.foreseen.candidates.get(candidate)!,
  candidate,
  open: () => bench.models.candidate(candidate),
});

/** A model behind its defence, ready to run. */
export interface Opened {
  /** What numbers go to; of a text model without its defence, which works on texts. */
  readonly model: CompiledModel;
  /**
   * What model and defence say of samples as they come: of texts, where the
   * data is of texts.
   */
  answers(x: Samples, draws?: Draws): Promise<Answers>;
  release(): Promise<void>;
  /** Hash of the model and its defence (see `openedKey`). */
  readonly of: string;
}

/** Opened models that are kept for the next work, and numbers in their weights. */
const MOST = 6;
const WEIGHTS = 2 ** 25;

/** Models behind defences of which what was seen is kept in memory. */
const SEEN = 24;

/**
 * Releases opened models but those that were last in use: fewer of large ones, since
 * an engine holds weights several times over, and what samples took beside them. What
 * was seen of others goes too.
 */
export async function tidy(
  { compiled, known }: Pick<Bench, "compiled" | "known">,
  most = MOST,
): Promise<void> {
  for (const key of [...known.keys()].slice(0, -SEEN)) known.delete(key);
  let weights = 0;
  for (const [i, [key, opened]] of [...compiled].reverse().entries()) {
    const { graph } = opened.model.model;
    for (const t of graph.constants.values()) weights += t.data.length;
    if (i < most && weights <= WEIGHTS) continue;
    compiled.delete(key);
    await opened.release();
  }
}

/**
 * A model behind its defence, fitted and compiled once for all the
 * cells of a candidate.
 */
export async function openFor(
  ready: ReadyModel,
  parts: PlannedCell["parts"],
  bench: Bench,
): Promise<Opened> {
  const { compiled, engine } = bench;
  const key = openedKey(ready, parts, bench);
  const open = compiled.get(key);
  if (open) {
    // The last in use is the last in order.
    compiled.delete(key);
    compiled.set(key, open);
    return open;
  }
  const fitted = await fitDefenses(parts, ready, bench);
  const fresh = bench.data.texts
    ? await openTexts(ready, fitted, bench, key)
    : openedWith(await compile(defend(ready.model, fitted), engine), key);
  compiled.set(key, fresh);
  return fresh;
}

/** Hash of all that a model behind its defence depends on. */
export const openedKey = (
  ready: Pick<ReadyModel, "key">,
  parts: PlannedCell["parts"],
  bench: Fitting & Pick<Bench, "data">,
): string =>
  hashOf({
    model: ready.key,
    defense: describeFits(parts, ready, bench),
    reader: bench.data.texts?.reader.hash,
  });

/** A compiled model that takes numbers. */
export const openedWith = (model: CompiledModel, of: string): Opened => ({
  model,
  of,
  answers: (x, draws) => model.answers(x as FloatTensor, draws),
  release: model.release,
});

/** A text model that reads texts, through its sanitizers and its tokenizer. */
async function openTexts(
  ready: ReadyModel,
  fitted: readonly ChosenDefense[],
  { data, engine, folder }: Bench,
  of: string,
): Promise<Opened> {
  const { reader } = data.texts as NonNullable<Dataset["texts"]>;
  const tools = { folder, engine, words: reader.words };
  const front = await openTextSanitizers(fitted.filter(isTextSanitizer), tools);
  const model = await compile(ready.model, engine);
  return {
    model,
    of,
    async answers(texts, draws) {
      const clean = await front.apply(texts as readonly string[]);
      const ids = clean.map(reader.read);
      const dims = [ids.length, ids[0]?.length ?? 0];
      const x = tensor("float32", dims, Float32Array.from(ids.flat()));
      const { logits, scores } = await model.answers(x, draws);
      const { classes } = ready.model;
      return {
        scores,
        logits: reader.places
          ? ofWords(logits, clean, classes.length, reader.places)
          : logits,
      };
    },
    async release() {
      await front.release();
      await model.release();
    },
  };
}

/** What the examples of a cell have to stay within. */
export const ballFor = (
  { norm, eps }: PlannedCell,
  { model }: Opened,
  { table, texts }: Dataset,
): Limit<Samples> => {
  if (norm !== "edits")
    return ballOf(norm, eps, model.model.contract.bounds, table);
  const places = texts?.reader.places;
  return places ? wordsLimit(eps, places) : editsLimit(eps);
};
