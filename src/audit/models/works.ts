import { existsSync } from "node:fs";
import { hashOf } from "#core";
import type { FloatTensor } from "#onnx";
import type { Results } from "../results/index.ts";
import type { Store } from "../store.ts";
import { type Candidate, isFollowed } from "../suite/index.ts";
import { judgedOn, type Parts } from "../tasks/index.ts";
import { madeBy } from "../workplace.ts";
import { type Work, type Yields, yields } from "../works/index.ts";
import type { Models } from "./all.ts";
import { baseKey } from "./base.ts";
import { candidateKey } from "./candidate.ts";
import { epochFile } from "./epochs.ts";
import { type Look, lookAt } from "./look.ts";
import { trunkKey } from "./member.ts";
import type { Workshop } from "./ready.ts";
import { baseResult } from "./results.ts";
import { modelFile, recordOf } from "./train-once.ts";

type BaseResult = NonNullable<Results["base"]>;

/** A model of a run before it is made. */
export interface Foreseen {
  /** Hash of all that it is made of. */
  readonly key: string;
  /** What makes it; none where it comes from a file as it is. */
  readonly made: readonly Work[];
}

/** The models of a run as works. */
export interface ModelWorks {
  /** Null where the run has none. */
  readonly base: Foreseen | null;
  readonly unrelated: Foreseen | null;
  /** By their ids, in the order of the suite. */
  readonly candidates: ReadonlyMap<string, Foreseen>;
  /** The base in the results document, and the model that does not descend from it. */
  readonly baseLook: Yields<BaseResult> | null;
  readonly unrelatedLook: Yields<BaseResult> | null;
  readonly looks: ReadonlyMap<string, Yields<Look>>;
}

/** What makes the models that a plan is about, and looks at them. */
export function modelWorks(
  plan: { readonly candidates: readonly string[]; readonly unrelated: boolean },
  models: Models,
  shop: Workshop,
): ModelWorks {
  const { suite } = shop.loaded;
  const base = foreseenBase("base", models, shop);
  const unrelated = plan.unrelated
    ? foreseenBase("unrelated", models, shop)
    : null;
  const candidates = new Map<string, Foreseen>();
  const trunks = new Map<string, Work>();
  for (const id of plan.candidates) {
    const candidate = suite.candidates[id]!;
    const key = candidateKey(candidate, shop, base?.key ?? null);
    const made = training(candidate, key, base, models, shop);
    // The tasks of one trunk are one training.
    const known = made && (trunks.get(made.record) ?? made);
    if (known) trunks.set(known.record, known);
    const ofBase = candidate.kind === "base" ? (base?.made ?? []) : [];
    candidates.set(id, { key, made: known ? [known] : ofBase });
  }
  return {
    base,
    unrelated,
    candidates,
    baseLook: base && lookAtBase("base", base, models, shop),
    unrelatedLook:
      unrelated && lookAtBase("unrelated", unrelated, models, shop),
    looks: new Map(
      [...candidates].map(([id, foreseen]) => [
        id,
        lookWork(id, foreseen, base, models, shop),
      ]),
    ),
  };
}

function foreseenBase(
  which: "base" | "unrelated",
  models: Models,
  shop: Workshop,
): Foreseen | null {
  const { suite } = shop.loaded;
  const key = baseKey(which, shop);
  if (key === null) return null;
  const { pretrain } = suite.base ?? {};
  if (suite[which]?.model !== undefined || !pretrain) return { key, made: [] };
  const name = which === "base" ? "base" : "unrelated-base";
  const { train } = shop.data.pretraining as Parts;
  return {
    key,
    made: [
      {
        id: `model ${which === "base" ? "base" : "unrelated base"}`,
        kind: "model",
        sort: ["pretrained"],
        record: recordOf(modelFile(name, key)),
        needs: [],
        size: pretrain.epochs * train.y.length * passesOfTraining(pretrain),
        run: async () => {
          await models[which]();
        },
      },
    ],
  };
}

/** About how many passes a training makes of each batch: some make examples of it. */
export const passesOfTraining = ({
  training = [],
}: Partial<Pick<Candidate, "training">>): number =>
  training.reduce((passes, { params }) => {
    const { steps } = params as { readonly steps?: number };
    return passes + (typeof steps === "number" ? steps : 0);
  }, 1);

/** What its training takes its time for: of a frozen body next to nothing. */
export const trainingOf = (candidate: Candidate): string =>
  candidate.kind === "tuned" ? candidate.strategy.unit.id : candidate.kind;

/** What trains a candidate; undefined where nothing does. */
function training(
  candidate: Candidate,
  key: string,
  base: Foreseen | null,
  models: Models,
  shop: Workshop,
): Work | undefined {
  const { kind, id, trunk } = candidate;
  if (kind === "given" || kind === "base") return undefined;
  const { suite } = shop.loaded;
  const name = kind === "member" ? candidate.trunk.of : id;
  const file = modelFile(
    name,
    kind === "member" ? trunkKey(candidate, shop, base?.key ?? "") : key,
  );
  // Trunks of several seeds have files of one name.
  const which =
    trunk && candidate.replica ? `${name}.${candidate.replica.index}` : name;
  const { train } = judgedOn(shop.data, candidate.task).target;
  const { epochs = 1 } =
    kind === "adapted"
      ? (candidate.adaptation.params as { epochs?: number })
      : candidate.settings;
  return {
    id: `model ${which}`,
    kind: "model",
    sort: [trainingOf(candidate), id],
    record: isFollowed(suite, candidate)
      ? epochFile(file, "all")
      : recordOf(file),
    needs: base?.made ?? [],
    size:
      epochs *
      train.y.length *
      (trunk?.tasks.length ?? 1) *
      passesOfTraining(candidate),
    run: async () => {
      await models.candidate(id);
    },
  };
}

function lookAtBase(
  which: "base" | "unrelated",
  { key, made }: Foreseen,
  models: Models,
  shop: Workshop,
): Yields<BaseResult> {
  const { data, loaded, store } = shop;
  const hash = hashOf({
    kind: "look",
    which,
    key,
    file: loaded.suite[which]?.model,
    test: data.pretraining?.test.fingerprint,
    ...madeBy(shop),
  });
  return yields(store, {
    id: `look ${which === "base" ? "base" : "unrelated base"}`,
    kind: "look",
    record: `looks/${hash}.json`,
    needs: made,
    size: data.pretraining?.test.y.length ?? 1,
    about: [{ what: "base", id: which === "base" ? "base" : "unrelated base" }],
    async compute() {
      const ready = await models[which]();
      if (!ready) throw new Error("there is a base; the plan says so");
      return baseResult(ready, shop);
    },
  });
}

const saidFile = (record: string) => record.replace(/\.json$/, ".npy");

/**
 * What a candidate said of the attacked samples when it was looked at; undefined of one
 * that draws at random.
 *
 * @param record of the look, which is there
 */
export const saidInLook = (
  record: string,
  store: Store,
): FloatTensor | undefined =>
  store.filesOf(record).includes(saidFile(record))
    ? store.readTensor(saidFile(record))
    : undefined;

function lookWork(
  id: string,
  { key, made }: Foreseen,
  base: Foreseen | null,
  models: Models,
  shop: Workshop,
): Yields<Look> {
  const { data, loaded, store } = shop;
  const candidate = loaded.suite.candidates[id]!;
  const { target, attacked } = judgedOn(data, candidate.task);
  const hash = hashOf({
    kind: "look",
    id,
    key,
    file: candidate.kind === "given" ? candidate.model : undefined,
    base: base?.key,
    replica: candidate.replica,
    trunk: candidate.trunk,
    test: target.test.fingerprint,
    attacked: attacked.fingerprint,
    source: data.sourceDomain?.test.fingerprint,
    ...madeBy(shop),
  });
  const record = `looks/${hash}.json`;
  const said = saidFile(record);
  return yields(store, {
    id: `look ${id}`,
    kind: "look",
    record,
    needs: [...new Set([...made, ...(base?.made ?? [])])],
    size: target.test.y.length,
    about: [{ what: "candidate", id, candidate: id }],
    compute: () =>
      lookAt(id, models, shop, (logits) => store.writeTensor(said, logits)),
    files: () => (existsSync(store.path(said)) ? [said] : []),
    headline: ({ result }) => ({ what: "clean", rate: result.cleanAccuracy }),
  });
}
