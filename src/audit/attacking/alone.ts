import { type Dataset, takeSamples } from "#data";
import type { CompiledModel, Model, Samples } from "#model";
import { UNDEFENDED } from "../counting.ts";
import { type Preflight, preflight, type ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import type { Store } from "../store.ts";
import type { Evidence } from "../trust/index.ts";
import type { Workplace } from "../workplace.ts";
import {
  type Bench,
  ballFor,
  openedKey,
  openedWith,
  openFor,
  type Subject,
  tidy,
} from "./bench.ts";
import { byWord } from "./by-word.ts";
import { type BareCell, scoreCell } from "./cell.ts";
import { type Craft, craft } from "./craft.ts";
import { gather } from "./evidence.ts";
import { samplesOf } from "./seen.ts";

/** A model and samples that no suite names, and what attacks are computed with. */
export interface Alone extends Omit<Workplace, "store"> {
  readonly model: Model;
  readonly data: Dataset;
  /** The public base, for attacks that go through it. */
  readonly base?: Model;
  /** Further samples that an attacker has, as the validation part of a suite. */
  readonly others?: Dataset;
  /** The model where it is open already; it stays so. */
  readonly open?: CompiledModel;
}

/** An attack and its budget. */
export type AloneAttack = Pick<
  PlannedCell,
  "chosen" | "norm" | "eps" | "queries"
>;

/** What an attack did to a model that no suite names, as a cell of a suite has it. */
export interface AloneCell {
  readonly cell: BareCell;
  readonly made: Craft & { readonly examples: Samples };
  /** How far each example is from its sample, in the norm. */
  readonly distances: ArrayLike<number>;
  /** What trust checks look at: what is left standing is tried again. */
  gather(): Promise<Omit<Evidence, "faults">>;
}

/** Attacks on a model that no suite names. Nothing is kept. */
export interface AloneBench {
  attack(attack: AloneAttack): Promise<AloneCell>;
  /** @throws PREFLIGHT when numbers from this model would mean nothing */
  preflight(): Promise<Preflight>;
  release(): Promise<void>;
}

/** What stands for the model in ids. */
export const ALONE = "model";

/**
 * A bench for one model without a suite. An attack finds what it would find as a cell
 * of a suite with the same samples and seed, byte for byte.
 */
export function openAlone(alone: Alone): AloneBench {
  const bench = benchOf(alone);
  const ready = readyModel(ALONE, alone.model);
  const subject: Subject = {
    candidate: ALONE,
    key: ready.key,
    made: [],
    open: async () => ready,
  };
  const mine = openedKey(ready, [], bench);
  if (alone.open && !bench.data.texts)
    bench.compiled.set(mine, openedWith(alone.open, mine));
  return {
    async attack(attack) {
      const planned = plannedOf(attack);
      const made = await craft(planned, subject, bench);
      const cell = await scoreCell(planned, subject, bench, made);
      const ball = ballFor(
        planned,
        await openFor(ready, [], bench),
        bench.data,
      );
      return {
        cell,
        made,
        distances: ball.distance(samplesOf(bench.data), made.examples),
        gather: () => gather(planned, subject, bench, made, cell),
      };
    },
    async preflight() {
      const { model } = await openFor(ready, [], bench);
      return preflight(model, alone.data, alone.data, ALONE);
    },
    async release() {
      if (alone.open) bench.compiled.delete(mine);
      await tidy(bench, 0);
    },
  };
}

function benchOf({
  model,
  data,
  base,
  others,
  open: _,
  ...rest
}: Alone): Bench {
  const attacked = byWord(data);
  const ofBase = base && readyModel(base === model ? ALONE : "base", base);
  return {
    ...rest,
    store: nowhere,
    folder: ".",
    data: attacked,
    rows: null,
    target: {
      train: takeSamples(data, []),
      validation: others ?? takeSamples(data, []),
      test: attacked,
    },
    models: {
      base: async () => ofBase ?? null,
      unrelated: nobody,
      candidate: nobody,
    },
    foreseen: {
      base: null,
      unrelated: null,
      candidates: new Map(),
      baseLook: null,
      unrelatedLook: null,
      looks: new Map(),
    },
    peers: { given: null, trained: null },
    source: null,
    compiled: new Map(),
    known: new Map(),
  };
}

const nobody = () => Promise.reject(new Error("only a suite has other models"));

const lost = () => {
  throw new Error("without defences nothing is fitted, so no file is kept");
};

const nowhere: Store = {
  folder: "",
  path: lost,
  read: () => undefined,
  filesOf: lost,
  write: () => {},
  readTensor: lost,
  writeTensor: lost,
};

/** A model as a run has it, of which no file is known. */
const readyModel = (key: string, model: Model): ReadyModel => ({
  id: key,
  model,
  file: "",
  hash: key,
  key,
  history: [],
  ended: null,
  lineage: null,
  trainableParameters: null,
});

const plannedOf = (attack: AloneAttack): PlannedCell => {
  const threatModel = `${attack.norm}-${attack.eps}`;
  const name = attack.chosen.unit.id;
  return {
    ...attack,
    id: `${ALONE}/${UNDEFENDED}/${name}@${threatModel}`,
    candidate: ALONE,
    defense: UNDEFENDED,
    parts: [],
    attack: name,
    threatModel,
    adaptive: true,
    probed: true,
  };
};
