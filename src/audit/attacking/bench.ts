import { ballOf, editsLimit } from "#attacks";
import { hashOf, Random } from "#core";
import { type Dataset, takeSamples } from "#data";
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
import {
  decisions,
  type Foreseen,
  type Guesswork,
  guessworkOf,
  type Models,
  type ModelWorks,
  type ReadyModel,
  type Workshop,
} from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { describe } from "../suite/index.ts";
import { evenly, judgedOn, type TaskData } from "../tasks/index.ts";
import {
  type BrokenControl,
  type ModelProbes,
  probeModel,
} from "../trust/index.ts";
import { byWord, ofWords, wordsLimit } from "./by-word.ts";
import { type Fitting, fitDefenses } from "./fit.ts";
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
  /** What was seen of each of them, which stays when they are let go. */
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
  readonly known: Known;
}

/** What is seen of a model behind its defence once, when it is first asked for. */
export interface Known {
  probes?: ModelProbes;
  guesswork?: Guesswork;
  /**
   * What attacks, by their hash, do to the candidate behind a defence that is
   * known to be broken.
   */
  readonly controls: Map<string, BrokenControl>;
  /** What it says of samples that are attacked, as they are. */
  readonly clean: WeakMap<Dataset, Answers>;
  /** What its gradients there tell. */
  readonly slopes: WeakMap<Dataset, CleanSlopes>;
}

/** What a pass of gradients at samples as they are tells of a model. */
export interface CleanSlopes {
  /** The class of each sample that it says with the gradient. */
  readonly seen: Int32Array;
  /** Samples whose gradient is zero or no number. */
  readonly zero: number;
}

const nothingKnown = (): Known => ({
  controls: new Map(),
  clean: new WeakMap(),
  slopes: new WeakMap(),
});

/** Opened models that are kept for the next work, and numbers in their weights. */
const MOST = 6;
const WEIGHTS = 2 ** 25;

/**
 * Releases opened models but those that were last in use: fewer of large ones, since
 * an engine holds weights several times over, and what samples took beside them.
 */
export async function tidy(
  { compiled }: Pick<Bench, "compiled">,
  most = MOST,
): Promise<void> {
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
  const { compiled, engine, known } = bench;
  const key = openedKey(ready, parts, bench.data);
  const open = compiled.get(key);
  if (open) {
    // The last in use is the last in order.
    compiled.delete(key);
    compiled.set(key, open);
    return open;
  }
  const fitted = await fitDefenses(parts, ready, bench);
  const seen = known.get(key) ?? nothingKnown();
  known.set(key, seen);
  const fresh = bench.data.texts
    ? await openTexts(ready, fitted, bench, seen)
    : openedWith(await compile(defend(ready.model, fitted), engine), seen);
  compiled.set(key, fresh);
  return fresh;
}

/** What a model behind its defence is found by among those that are open. */
export const openedKey = (
  { key }: Pick<ReadyModel, "key">,
  parts: PlannedCell["parts"],
  { texts }: Pick<Dataset, "texts">,
): string =>
  hashOf({
    model: key,
    defense: parts.map(describe),
    reader: texts?.reader.hash,
  });

/** A compiled model that takes numbers. */
export const openedWith = (
  model: CompiledModel,
  known = nothingKnown(),
): Opened => ({
  model,
  known,
  answers: (x, draws) => model.answers(x as FloatTensor, draws),
  release: model.release,
});

/** A text model that reads texts, through its sanitizers and its tokenizer. */
async function openTexts(
  ready: ReadyModel,
  fitted: readonly ChosenDefense[],
  { data, engine, folder }: Bench,
  known: Known,
): Promise<Opened> {
  const { reader } = data.texts as NonNullable<Dataset["texts"]>;
  const tools = { folder, engine, words: reader.words };
  const front = await openTextSanitizers(fitted.filter(isTextSanitizer), tools);
  const model = await compile(ready.model, engine);
  return {
    model,
    known,
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

/** The samples of a dataset as they come to a defended model. */
export const samplesOf = ({ x, texts }: Dataset): Samples =>
  texts?.strings ?? x;

/**
 * What a model that draws at random draws from at each sample, for a purpose. Whatever
 * was asked before, it is the same.
 */
export const drawsFor = ({ data, seed }: Bench, purpose: string): Random[] => {
  const stream = new Random(seed).fork(`draws for ${purpose}`);
  return Array.from(data.y, (_, i) => stream.fork(i));
};

/** What is seen of an opened model without any attack. */
export async function probesOf(
  { model, known }: Opened,
  { data, seed }: Bench,
): Promise<ModelProbes> {
  known.probes ??= await probeModel(
    model,
    data,
    new Random(seed).fork("model probes"),
  );
  return known.probes;
}

/**
 * What an opened model says of the attacked samples as they are. It is asked once for
 * all cells.
 */
export async function cleanAnswers(
  { answers, known }: Opened,
  bench: Bench,
): Promise<Answers> {
  const { data } = bench;
  const said =
    known.clean.get(data) ??
    (await answers(samplesOf(data), drawsFor(bench, "clean")));
  known.clean.set(data, said);
  return said;
}

/** Clean test samples that tell guessing from knowing. */
const ENOUGH = 500;

/** What the answers of an opened model are worth beside one answer for everything. */
export async function guessworkBehind(
  opened: Opened,
  { target: { test }, seed }: Bench,
): Promise<Guesswork> {
  const { known } = opened;
  if (known.guesswork) return known.guesswork;
  const some = takeSamples(test, evenly(test, ENOUGH));
  const stream = new Random(seed).fork("draws for guesswork");
  const answers = await opened.answers(
    samplesOf(some),
    Array.from(some.y, (_, i) => stream.fork(i)),
  );
  const { model } = opened.model;
  const seen = decisions(model, answers, some.targets);
  known.guesswork = guessworkOf(model, answers.logits, seen, some);
  return known.guesswork;
}
