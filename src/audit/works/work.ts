import type { Headline } from "../events.ts";
import type { MissingResult } from "../results/index.ts";

/** What works compute, in the order in which a run tells of them. */
export const workKinds = [
  "model",
  "look",
  "fit",
  "answers",
  "examples",
  "cell",
  "probes",
  "replays",
  "decision",
  "heads",
  "epoch",
  "repair",
  "part",
  "trial",
  "certificate",
  "gallery",
] as const;

export type WorkKind = (typeof workKinds)[number];

/** A part of the results that is not there where a work is not done. */
export type About = Omit<MissingResult, "because">;

/** A defence in front of a model. */
export interface InFront {
  /** Its parts, by their ids. */
  readonly units: readonly string[];
  /** Numbers of a sample. */
  readonly values: number;
}

/**
 * As much as one hand computes at once. All works of a run are known before any is
 * done; what one finds is in the store, so that whoever has the store can do the next.
 */
export interface Work {
  /** Unique in a run, and what people read: "cell full/none/pgd@linf". */
  readonly id: string;
  readonly kind: WorkKind;
  /**
   * What takes its time where works of a kind do not take the same for their size, from
   * what tells most: the attack that it makes, then the candidate.
   */
  readonly sort?: readonly string[];
  /** What samples pass before the model, where anything is in front of it. */
  readonly defense?: InFront;
  /**
   * Name in the store of what it finds, which has the hash of all that this depends on.
   * Where that record is, the work is done.
   */
  readonly record: string;
  /** What has to be done before. */
  readonly needs: readonly Work[];
  /** How much there is to do, in a unit of its kind. */
  readonly size: number;
  /** What is lost without it, besides what other works lose that need it. */
  readonly about?: readonly About[];
  /** Computes, and keeps what was found as `record`. */
  run(): Promise<void>;
  /** What it found, in short, where it is done and people would like to see that. */
  headline?(): Headline | undefined;
}

/** Who does works. */
export interface Hands {
  /** How many works at once. */
  readonly count: number;
  /**
   * Does a work whose needs are in the store; its record is there afterwards.
   *
   * @param signal stops it, where a hand can be stopped
   * @param begun told when it begins, and again where another hand begins anew: limits
   *   of time count from there
   * @throws what the work threw, HandDied where the hand did not live to the end of it,
   *   NoHands where there is nobody to do anything
   */
  perform(work: Work, signal: AbortSignal, begun: () => void): Promise<void>;
  /**
   * Whether there is memory for a work beside what is being done; asked while something
   * is. Always, where it is left out.
   */
  hasRoom?(work: Work): boolean;
  close(): Promise<void>;
}

/** Why a work has no result. */
export interface Failure {
  readonly work: string;
  readonly record: string;
  readonly kind: WorkKind;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** The work that failed before it, where it is not this one. */
  readonly because: string | null;
}

/** A part of a run: its works, and what they found as far as they are done. */
export interface Phase<T> {
  readonly works: readonly Work[];
  found(): T;
}
