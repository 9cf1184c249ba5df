import type { Guard } from "#attacks";
import { type Chosen, hashOf, Random, sha256 } from "#core";
import { type Dataset, takeSamples } from "#data";
import {
  defend,
  type Filtered,
  type FilterRepair,
  type MendRepair,
  type Remedy,
  remaining,
} from "#defenses";
import { loadModel, type Model, saveModel } from "#model";
import { fitDefenses } from "../attacking/index.ts";
import {
  filesOfModel,
  type ReadyModel,
  recordOf,
  tuneFrom,
  type Workshop,
} from "../models/index.ts";
import { type Candidate, describe } from "../suite/index.ts";
import { judgedOn, type Parts, type TaskData } from "../tasks/index.ts";
import { kept } from "../workplace.ts";
import { guardOf } from "./guard.ts";

/** What is changed of a candidate's fine-tuning. The rest is as it was. */
export interface Changes {
  /** Other data to learn from, with the same classes. */
  readonly train?: Dataset;
  readonly base?: Model;
  /** Another seed than the candidate's, by a name that says what for. */
  readonly seed?: string;
}

/** A model that was tuned again. */
export interface Retuned {
  readonly model: Model;
  /**
   * Rows of the data that filters left out or gave another label; null where the
   * repair has no filter.
   */
  readonly filtered: ReadonlySet<number> | null;
}

/** Whose labels a model learned. */
export interface Learned {
  /** Data of the domain whose labels it learned, as it was split. */
  readonly domain: Parts;
  /**
   * The training samples that its fine-tuning drew, behind the filters of the repair
   * and with the labels that these gave them.
   */
  readonly seen: Dataset;
  /** How many samples of another domain it saw without their labels. */
  readonly unlabelled: number;
}

/** The candidate of a trial, behind its repair. */
export interface Victim {
  readonly id: string;
  /** As it is released: tuned on clean data from the clean base, then repaired. */
  readonly model: Model;
  readonly base: Model | null;
  /** Where its head reads features of the base (see `replaceHead`). */
  readonly cut?: string;
  readonly data: Parts;
  /** What `model` learned its labels from, and what it did not. */
  readonly learned: Learned;
  /** The test samples that the suite attacks. */
  readonly attacked: Dataset;
  /** Data of the task that the base was trained on, where the suite trains it. */
  readonly source: Parts | null;
  /** Whether it can be fine-tuned again: a file, and one task of several, cannot. */
  readonly tunable: boolean;
  /** Whether the trial has a repair. */
  readonly repaired: boolean;
  /** What stands over trainings of the released model on data of others. */
  readonly guard?: Guard;
  /**
   * Fine-tunes it again as the suite says, and repairs what comes out. Without
   * changes that is `model`. Models are kept under the hash of all that they
   * depend on.
   */
  tune(changes: Changes): Promise<Model>;
  /** The same, and what the filters of the repair did to the data. */
  retune(changes: Changes): Promise<Retuned>;
  /**
   * A model behind each reactive defence of the suite, by its id.
   *
   * @param train what the defender learns from beside the validation split
   */
  behindDefenses(model: Model, train: Dataset): Promise<Map<string, Model>>;
}

/** A tuned model with its hash, and what it learned from. */
interface Tuned {
  readonly model: Model;
  readonly key: string;
  readonly train: Dataset;
  /** Rows of it that no step drew. */
  readonly unseen: readonly number[];
}

/**
 * Opens the candidate of a trial.
 *
 * @param remedies in this order: filters clean the data and tune again, mends change
 *   weights; the others guard what is trained on from there
 * @param onKept told the names in the store of what is made on the way
 */
export async function openVictim(
  ready: ReadyModel,
  remedies: readonly Chosen<Remedy>[],
  base: ReadyModel | null,
  shop: Workshop,
  onKept: OnKept = () => {},
): Promise<Victim & { surrogate: Victim["tune"] }> {
  const candidate = shop.loaded.suite.candidates[ready.id]!;
  const judged = judgedOn(shop.data, candidate.task);
  const repair = remedies.filter(isOfReleased);
  const bare = (changes: Changes) =>
    tuneAgain(ready, changes, base, shop, onKept);
  const repaired = async (changes: Changes) =>
    repairAll(
      await bare(changes),
      changes,
      { repair, base: base?.model ?? null },
      bare,
      judged,
      shop,
      onKept,
    );
  const released = await repaired({});
  const retune = async (changes: Changes) =>
    Object.keys(changes).length === 0 ? released : repaired(changes);
  return {
    id: ready.id,
    model: released.model,
    base: base?.model ?? null,
    cut: "cut" in candidate ? candidate.cut : undefined,
    data: judged.target,
    learned: {
      domain: domainOf(candidate, judged, shop),
      seen: released.seen,
      unlabelled:
        candidate.adaptation?.unit.kind === "joint"
          ? judged.target.train.y.length
          : 0,
    },
    attacked: judged.attacked,
    source: shop.data.pretraining,
    tunable: candidate.kind === "tuned",
    repaired: remedies.length > 0,
    guard: guardOf(remedies, {
      released: released.model,
      base: base?.model ?? null,
      own: judged.target.train,
      engine: shop.engine,
      random: new Random(shop.loaded.suite.seed).fork("restored"),
    }),
    behindDefenses: async (model, train) => {
      const named = { ...ready, model, key: weightsHash(model) };
      const { suite, folder } = shop.loaded;
      const { seed, defenses } = suite;
      const bench = {
        ...shop,
        folder,
        seed,
        target: { ...judged.target, train },
      };
      const behind = new Map<string, Model>();
      for (const [id, parts] of Object.entries(defenses))
        behind.set(id, defend(model, await fitDefenses(parts, named, bench)));
      return behind;
    },
    tune: async (changes) => (await retune(changes)).model,
    retune,
    surrogate: async (changes) => (await bare(changes)).model,
  };
}

/** Whether a part of a repair is about the released model itself. */
const isOfReleased = (
  chosen: Chosen<Remedy>,
): chosen is Chosen<FilterRepair | MendRepair> =>
  chosen.unit.kind === "filter" || chosen.unit.kind === "mend";

type OnKept = (files: readonly string[]) => void;

async function tuneAgain(
  ready: ReadyModel,
  changes: Changes,
  base: ReadyModel | null,
  shop: Workshop,
  onKept: OnKept,
): Promise<Tuned> {
  const candidate = shop.loaded.suite.candidates[ready.id]!;
  const judged = judgedOn(shop.data, candidate.task);
  const { train = domainOf(candidate, judged, shop).train } = changes;
  const tunedAs = ({ model, key, unseen = [] }: ReadyModel): Tuned => ({
    model,
    key,
    train,
    unseen,
  });
  if (Object.keys(changes).length === 0) return tunedAs(ready);
  if (!base || candidate.kind !== "tuned")
    throw new Error(`${ready.id} cannot be tuned again; the plan says so`);
  const { base: other, ...otherwise } = changes;
  const from = other
    ? { ...base, model: other, key: weightsHash(other) }
    : base;
  const tuned = await tuneFrom(from, candidate, shop, otherwise);
  onKept([recordOf(tuned.file), ...filesOfModel(shop.store, tuned.file)]);
  return tunedAs(tuned);
}

/**
 * The data whose labels a candidate learns; of a file from elsewhere,
 * those of its task.
 */
function domainOf(
  { kind, labels, adaptation }: Candidate,
  { target }: TaskData,
  { data }: Workshop,
): Parts {
  if (kind === "base") return data.pretraining ?? target;
  const isSource = labels === "source" || adaptation?.unit.kind === "joint";
  return (isSource && data.sourceDomain) || target;
}

async function repairAll(
  tuned: Tuned,
  changes: Changes,
  {
    repair,
    base,
  }: {
    readonly repair: readonly Chosen<FilterRepair | MendRepair>[];
    readonly base: Model | null;
  },
  again: (changes: Changes) => Promise<Tuned>,
  { target }: TaskData,
  { store, engine, loaded, signal }: Workshop,
  onKept: OnKept,
): Promise<Retuned & { seen: Dataset }> {
  let now = tuned;
  /** For each sample of `now.train` its row in the data that came in. */
  let origin = Array.from(tuned.train.y, (_, row) => row);
  let filtered: Set<number> | null = null;
  for (const chosen of repair) {
    const { unit, params } = chosen;
    const random = new Random(loaded.suite.seed).fork(`repair ${unit.id}`);
    const key = hashOf({
      of: now.key,
      repair: describe(chosen),
      train: unit.kind === "filter" ? now.train.fingerprint : undefined,
      clean: target.validation.fingerprint,
      seed: loaded.suite.seed,
    });
    const input = { model: now.model, engine, params, random, signal };
    if (unit.kind === "filter") {
      const record = `repairs/filter-${key}.json`;
      const filter = async () => {
        const { rows, y } = await unit.filter({ ...input, train: now.train });
        return { rows: [...rows], y: [...y] };
      };
      const { record: found } = await kept({ store }, record, filter);
      onKept([record]);
      const left = { rows: found.rows, y: Int32Array.from(found.y) };
      filtered = new Set([
        ...(filtered ?? []),
        ...touchedBy(left, now.train).map((row) => origin[row]!),
      ]);
      origin = left.rows.map((row) => origin[row]!);
      now = await again({ ...changes, train: remaining(now.train, left) });
      continue;
    }
    const name = `models/repaired-${key.slice(0, 12)}`;
    const path = store.path(`${name}.onnx`);
    await kept(
      { store },
      `${name}.json`,
      async () => {
        const clean = target.validation;
        const mended = await unit.mend({ ...input, clean, base });
        saveModel(path, mended);
        return null;
      },
      () => filesOfModel(store, `${name}.onnx`),
    );
    onKept([`${name}.json`, ...filesOfModel(store, `${name}.onnx`)]);
    now = { ...now, model: await loadModel(path), key };
  }
  const unseen = new Set(now.unseen);
  const drawn = [...now.train.y.keys()].filter((row) => !unseen.has(row));
  const seen = unseen.size > 0 ? takeSamples(now.train, drawn) : now.train;
  return { model: now.model, filtered, seen };
}

/** Rows that a filter leaves out or gives another label. */
function touchedBy({ rows, y }: Filtered, train: Dataset): number[] {
  const labels = new Map(rows.map((row, i) => [row, y[i]]));
  return [...train.y.keys()].filter((row) => labels.get(row) !== train.y[row]);
}

/** SHA-256 of the constants of a model that was not read from a file. */
const weightsHash = ({ graph }: Model): string =>
  hashOf(
    [...graph.constants].map(([name, { data }]) => [
      name,
      ArrayBuffer.isView(data)
        ? sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        : data,
    ]),
  );
