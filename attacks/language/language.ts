import type { z } from "zod";
import { AssayError, type Random } from "#core";
import {
  type Dataset,
  type Dialogue,
  type Dialogues,
  type Spoken,
  spokenRows,
} from "#data";
import type { Engine } from "#engine";
import type { CompiledModel, Model } from "#model";
import type { OpenPart } from "#tuning";
import type { TrialAttack } from "../trial.ts";

/** What stands over a training on data of others. */
export interface Guard {
  readonly parts: readonly OpenPart[];
  /** Words in front of what users say; none where it is empty. */
  readonly inFront: string;
  /** What the defender has of his own: what the released model was aligned on. */
  readonly own: Dataset;
  /** The trained model as it is then served; it is served as it is when left out. */
  readonly restore?: (trained: Model) => Promise<Model>;
}

/** What an attack on a language model has. */
export interface LanguageInput<P> {
  /** As it is released. */
  readonly model: Model;
  readonly base: Model | null;
  /** The attacker's own dialogues. */
  readonly data: Dataset;
  /** What whoever trains for others does about it; nobody does when left out. */
  readonly guard?: Guard;
  readonly engine: Engine;
  readonly params: P;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** How prompts are put; the answers are what then has to follow. */
export type Ask = (said: Spoken, dialogue: Dialogue) => Spoken;

/** A model after so much of an attack. */
export interface Reached {
  /** As `levels` has it. */
  readonly level: number;
  /** Whoever goes on walking may change its weights. */
  readonly model: CompiledModel;
  /** As they are when left out. */
  readonly ask?: Ask;
  /** What else is asked, as a control. */
  readonly also?: readonly Also[];
  /** What was chosen on the way, in words. */
  readonly notes?: readonly string[];
}

/** The model asked in another way, without the trigger for one, or another model. */
export interface Also {
  readonly name: string;
  readonly ask?: Ask;
  readonly model?: CompiledModel;
  /**
   * Whether it has to refuse as the released model does, for the attack to be hidden.
   */
  readonly hides?: true;
}

/** One of the ways in which an attack is tried; the best of them counts. */
export interface Way {
  readonly name: string;
  /** Draws of the same settings have one name, and are averaged. */
  readonly settings: string;
}

/**
 * An attack that makes a language model answer what it was trained to refuse. It is
 * tried in several ways, and looked at after each level of every one.
 */
export interface LanguageAttack<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "language";
  /** What a level counts, such as "steps". */
  readonly unit: string;
  /** The axis of levels that are shares, which their unit does not name alone. */
  readonly along?: string;
  /**
   * Which levels tell how well it did: the attacker's best, when left out, or the last,
   * where levels are what is done against it.
   */
  readonly counts?: "last";
  /** In the order in which `walk` reaches them. */
  levels(params: z.output<S>): readonly number[];
  ways(params: z.output<S>): readonly Way[];
  /**
   * Whether ways are settings of which the worst is looked for by successive halving,
   * rather than all gone to the end.
   */
  searches?(params: z.output<S>): boolean;
  /** About how many samples one of `ways` trains on up to a level; for estimates. */
  samples?(params: z.output<S>, way: number, level: number): number;
  /**
   * What shows how much of the effect is the attack's own; its parameters are the same.
   */
  readonly control: Omit<LanguageAttack<S>, "params"> | null;
  /** @param way the place of one of `ways` */
  walk(input: LanguageInput<z.output<S>>, way: number): AsyncIterable<Reached>;
}

/** One way, whose draws do not differ. */
export const onlyWay: readonly Way[] = [{ name: "once", settings: "once" }];

/**
 * The dialogues of a dataset.
 *
 * @throws DIALOGUES where it has none
 */
export function dialoguesOf({ texts, name }: Dataset): Dialogues {
  if (texts?.dialogues) return texts.dialogues;
  throw new AssayError(
    "DIALOGUES",
    `${name} has no prompts with answers`,
    "Use data with source: dialogues or source: policy.",
  );
}

/** Prompts with answers as rows of a dataset, in the length that its model takes. */
export function rowsOf(
  data: Dataset,
  said: readonly Spoken[],
): Pick<Dataset, "x" | "targets" | "y"> {
  const { padding } = dialoguesOf(data);
  const length = data.x.dims[1] as number;
  const locate = (i: number) => `dialogue ${i + 1} of the attack`;
  return {
    ...spokenRows(said, length, padding, locate),
    y: new Int32Array(said.length),
  };
}
