import type { Results } from "../results/index.ts";
import type { Grouped } from "../suite/index.ts";

/** What a gate looks at. */
export interface GateInput
  extends Pick<
    Results,
    | "candidates"
    | "seeds"
    | "defenses"
    | "cells"
    | "crossTask"
    | "worstCases"
    | "decisions"
    | "threatModels"
    | "attacks"
    | "certificates"
    | "trialAttacks"
    | "repairs"
    | "trials"
    | "comparison"
    | "failures"
    | "missing"
    | "stopped"
  > {
  /** The candidates of the suite in its order, also those that are missing. */
  readonly planned: readonly Grouped[];
}

/** What a number was measured on. */
export interface Place {
  readonly candidate: string;
  /** Of models without one when left out. */
  readonly defense?: string;
}

const selectors = [
  "candidate",
  "defense",
  "attack",
  "threatModel",
  "trial",
  "repair",
] as const;

type Selectors = Partial<Record<(typeof selectors)[number], string>>;

/** Whether what a rule says of its subjects holds of one. */
export const selects = (limits: Selectors, subject: Selectors): boolean =>
  selectors.every(
    (key) => limits[key] === undefined || limits[key] === subject[key],
  );

/** A subject in words: "full / none / linf-0.1". */
export const named = (...parts: readonly (string | null | undefined)[]) =>
  parts.filter((part) => part != null).join(" / ");
