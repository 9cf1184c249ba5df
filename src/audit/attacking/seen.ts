import { hashOf, Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import type { Answers, Samples } from "#model";
import {
  decisions,
  type Guesswork,
  guessworkOf,
  saidInLook,
} from "../models/index.ts";
import { evenly } from "../tasks/index.ts";
import {
  type BrokenControl,
  type ModelProbes,
  probeModel,
} from "../trust/index.ts";
import { kept, madeBy } from "../workplace.ts";
import type { Work } from "../works/index.ts";
import type { Bench, Opened } from "./bench.ts";
import type { Known } from "./known.ts";

/** What a record has of it; answers are in files beside it. */
export interface Seen {
  readonly probes: ModelProbes;
  readonly guesswork: Guesswork;
  /** How many detectors have a score. */
  readonly scores: number;
}

type Place = Pick<
  Bench,
  "data" | "target" | "seed" | "engine" | "store" | "known"
>;

/** What is kept under the hash of all that it depends on, by a name that says what. */
const keyOf = (
  what: string,
  of: string,
  { data, target, ...place }: Omit<Place, "store" | "known">,
): string =>
  hashOf({
    ...{ what, of, data: data.fingerprint, table: data.table },
    test: target.test.fingerprint,
    ...madeBy(place),
  });

/**
 * The record of what is seen of a model behind its defence.
 *
 * @param of what `openedKey` says of the two
 */
export const seenRecord = (of: string, place: Omit<Place, "known">): string =>
  `answers/${keyOf("seen", of, place)}.json`;

const fileOf = (record: string, part: string): string =>
  record.replace(/\.json$/, `.${part}.npy`);

/** The files that belong to a record. */
export const seenFiles = (record: string, { scores }: Seen): string[] => [
  fileOf(record, "logits"),
  ...Array.from({ length: scores }, (_, k) => fileOf(record, `score${k}`)),
];

/** Asks a model all that its cells want to know of it, and writes its answers. */
export async function look(opened: Opened, bench: Bench): Promise<Seen> {
  const { logits, scores } = await cleanAnswers(opened, bench);
  const record = seenRecord(opened.of, bench);
  for (const [k, value] of [logits, ...scores].entries())
    bench.store.writeTensor(
      fileOf(record, k === 0 ? "logits" : `score${k - 1}`),
      value,
    );
  return {
    probes: await probesOf(opened, bench),
    guesswork: await guessworkBehind(opened, bench),
    scores: scores.length,
  };
}

/**
 * What a candidate said of the attacked samples when it was looked at, so that it is
 * not asked again; texts reach it another way then.
 */
export function remember(
  opened: Opened,
  bench: Bench,
  seen: Pick<Work, "record"> | undefined,
): void {
  const said =
    seen && !bench.data.texts && saidInLook(seen.record, bench.store);
  if (said) knownOf(opened, bench).clean ??= { logits: said, scores: [] };
}

/** What is known of an opened model: in memory, or what a work of the run has kept. */
export function knownOf({ of }: Opened, bench: Place): Known {
  const { known, store } = bench;
  const key = keyOf("known", of, bench);
  const before = known.get(key);
  if (before) return before;
  const record = seenRecord(of, bench);
  const seen = store.read<Seen>(record);
  const controls = new Map<string, BrokenControl>();
  const found: Known = seen
    ? { ...seen, clean: answersIn(record, seen, store), controls }
    : { controls };
  known.set(key, found);
  return found;
}

function answersIn(record: string, seen: Seen, store: Bench["store"]): Answers {
  const [logits, ...scores] = seenFiles(record, seen).map(store.readTensor);
  return { logits: logits!, scores };
}

/** The samples of a dataset as they come to a defended model. */
export const samplesOf = ({ x, texts }: Dataset): Samples =>
  texts?.strings ?? x;

/**
 * What a model that draws at random draws from at each sample, for a purpose. Whatever
 * was asked before, it is the same.
 */
export const drawsFor = (
  { data, seed }: Pick<Bench, "data" | "seed">,
  purpose: string,
): Random[] => {
  const stream = new Random(seed).fork(`draws for ${purpose}`);
  return Array.from(data.y, (_, i) => stream.fork(i));
};

/** What is seen of an opened model without any attack. */
export async function probesOf(
  opened: Opened,
  bench: Bench,
): Promise<ModelProbes> {
  const known = knownOf(opened, bench);
  known.probes ??= await probeModel(
    opened.model,
    bench.data,
    new Random(bench.seed).fork("model probes"),
  );
  return known.probes;
}

/**
 * What an opened model says of the attacked samples as they are. It is asked once for
 * all cells.
 */
export async function cleanAnswers(
  opened: Opened,
  bench: Bench,
): Promise<Answers> {
  const known = knownOf(opened, bench);
  known.clean ??= await opened.answers(
    samplesOf(bench.data),
    drawsFor(bench, "clean"),
  );
  return known.clean;
}

/**
 * What is found on the way and asked for by other works too, of the same model on the
 * same samples: kept, so that other processes need not find it again.
 */
export const keptOf = async <T>(
  what: string,
  { of }: Opened,
  bench: Bench,
  find: () => Promise<T>,
): Promise<T> =>
  (await kept(bench, `answers/${keyOf(what, of, bench)}.json`, find)).record;

/** Clean test samples that tell guessing from knowing. */
const ENOUGH = 500;

/** What the answers of an opened model are worth beside one answer for everything. */
export async function guessworkBehind(
  opened: Opened,
  bench: Bench,
): Promise<Guesswork> {
  const known = knownOf(opened, bench);
  if (known.guesswork) return known.guesswork;
  const { test } = bench.target;
  const some = takeSamples(test, evenly(test, ENOUGH));
  const stream = new Random(bench.seed).fork("draws for guesswork");
  const answers = await opened.answers(
    samplesOf(some),
    Array.from(some.y, (_, i) => stream.fork(i)),
  );
  const { model } = opened.model;
  const seen = decisions(model, answers, some.targets);
  known.guesswork = guessworkOf(model, answers.logits, seen, some);
  return known.guesswork;
}
