import type { MissingResult } from "../results/index.ts";
import type { Bound, IntervalAt } from "../statistics/index.ts";
import type { Place } from "./input.ts";
import type { Unit } from "./text.ts";

/** A number that a rule is held against. */
export interface Subject {
  name: string;
  what: string;
  value: number;
  /** Null where there is none: the value is all that was measured. */
  intervalAt: IntervalAt | null;
  /**
   * About how many samples decide on which side of a limit it is, at a one-sided level;
   * null where none do.
   */
  plan?: (
    limit: number,
    tail: number,
  ) => { readonly samples: number } | { readonly times: number } | null;
  /** How many samples, or how the interval was found; null where that is not known. */
  basis: string | null;
  /** "" for a plain number. */
  unit: Unit;
  trust:
    | "trusted"
    | "too good"
    | "guesses"
    | "not evaluated"
    | "void"
    | "not in both runs"
    | "beyond proof";
  /** Whether what is missing could have moved it either way. */
  isMean?: boolean;
  /**
   * Whether it compares numbers, of which one may come to be compared otherwise: by
   * pairs, or on more of both.
   */
  isComparison?: boolean;
  /** What is missing and bears on it. */
  missing: readonly MissingResult[];
  /** The models that a rule about it judges. */
  about: readonly Place[];
}

/** A number before what is missing is known. */
export interface Measured extends Omit<Subject, "missing" | "about"> {
  readonly of: readonly Place[];
  /** The models that a rule judges by it, where that is not all that it is of. */
  readonly about?: readonly Place[];
  /** Id of the threat model of what was attacked. */
  readonly under?: string;
}

/** A number beside the limit that a rule sets it. */
export interface Claim {
  /** The rule in words. */
  readonly rule: string;
  readonly bound: Bound;
  readonly subject: Subject;
}
