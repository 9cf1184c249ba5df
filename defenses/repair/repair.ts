import type { z } from "zod";
import type { Explained, Need, Random } from "#core";
import { type Dataset, dataset, takeSamples } from "#data";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { TrainingDefense } from "#tuning";

/** What all repairs say of themselves. */
export interface RepairMeta<S extends z.ZodObject> extends Explained {
  readonly id: string;
  readonly title: string;
  /** Authors, year and arXiv id. */
  readonly reference: string;
  /** What has to be there; nothing when left out. */
  readonly needs?: readonly Need[];
  /**
   * Refuses a model whose layers it does not work on with REPAIR_INPUT; works on
   * all when left out.
   */
  check?(model: Model): void;
  readonly params: S;
}

/** What all repairs get. */
export interface RepairInput<P> {
  /** The candidate as it was tuned on the data at hand, poisoned or not. */
  readonly model: Model;
  readonly engine: Engine;
  readonly params: P;
  readonly random: Random;
}

export interface FilterInput<P> extends RepairInput<P> {
  /** What the candidate was tuned on. */
  readonly train: Dataset;
}

export interface MendInput<P> extends RepairInput<P> {
  /** The defender's own clean samples: the validation split. */
  readonly clean: Dataset;
  /** What the model was tuned from; null where that is not known. */
  readonly base: Model | null;
  readonly signal?: AbortSignal;
}

/** What a filter leaves of the fine-tuning set. */
export interface Filtered {
  /** Rows that stay, in order. */
  readonly rows: readonly number[];
  /** The label that each of them should have. */
  readonly y: Int32Array;
}

/**
 * A repair that cleans the fine-tuning set. The candidate is tuned again
 * on what it leaves.
 */
export interface FilterRepair<S extends z.ZodObject = z.ZodObject>
  extends RepairMeta<S> {
  readonly kind: "filter";
  /** The samples that stay, with the labels that they should have. */
  filter(input: FilterInput<z.output<S>>): Promise<Filtered>;
}

/** A repair that changes the weights of a tuned candidate. */
export interface MendRepair<S extends z.ZodObject = z.ZodObject>
  extends RepairMeta<S> {
  readonly kind: "mend";
  mend(input: MendInput<z.output<S>>): Promise<Model>;
}

export interface RestoreInput<P> extends RepairInput<P> {
  /**
   * The model as it was released; `model` is what a training on data of others made.
   */
  readonly released: Model;
  readonly base: Model | null;
  /** What the released model was aligned on. */
  readonly own: Dataset;
}

/**
 * A repair of what a released model becomes where it is trained on data of others; the
 * released model itself stays as it is.
 */
export interface RestoreRepair<S extends z.ZodObject = z.ZodObject>
  extends RepairMeta<S> {
  readonly kind: "restore";
  restore(input: RestoreInput<z.output<S>>): Promise<Model>;
}

/** A defence that changes what was tuned, or what it is tuned on. */
export type Repair = FilterRepair | MendRepair | RestoreRepair;

/**
 * What repairs of a suite are made of: repairs, and training defences that stand over
 * trainings on data of others.
 */
export type Remedy = Repair | TrainingDefense;

/** Declares a repair. */
export const defineFilter = <S extends z.ZodObject>(
  unit: Omit<FilterRepair<S>, "kind">,
): FilterRepair<S> => ({ kind: "filter", ...unit });

/** Declares a repair of weights. */
export const defineMend = <S extends z.ZodObject>(
  unit: Omit<MendRepair<S>, "kind">,
): MendRepair<S> => ({
  kind: "mend",
  ...unit,
  // All that we have train.
  needs: ["gradient", ...(unit.needs ?? [])],
});

/** Declares a repair of what a released model becomes. */
export const defineRestore = <S extends z.ZodObject>(
  unit: Omit<RestoreRepair<S>, "kind">,
): RestoreRepair<S> => ({ kind: "restore", ...unit });

/** The fine-tuning set as a filter leaves it. */
export function remaining(train: Dataset, { rows, y }: Filtered): Dataset {
  const left = takeSamples(train, rows);
  const { name, x, classes, targets, table, texts, positions } = left;
  return dataset(
    name,
    x,
    y,
    classes,
    targets,
    table,
    texts,
    undefined,
    positions,
  );
}
