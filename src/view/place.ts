import { type Cell, type Fate, type Results, samplesThatAre } from "#results";
import type { Shown } from "./examples.ts";
import { addressOf } from "./run-page.ts";
import type { FoundRun } from "./runs.ts";

/** A cell of a run that is looked at. */
export interface Place {
  readonly run: FoundRun;
  readonly results: Results;
  readonly cell: Cell;
  readonly shown: Shown;
}

/** What can become of a sample, in words. */
export const outcomes: readonly (readonly [Fate, string])[] = [
  ["robust", "robust"],
  ["broken", "broken"],
  ["wrong", "wrong"],
  ["absent", "not asked"],
];

export const outcomeWords = new Map(outcomes);

/** The outcome that an address names; null for all. */
export const outcomeOf = (text: string | undefined): Fate | null =>
  outcomes.find(([outcome]) => outcome === text)?.[0] ?? null;

/** The samples of a cell, or those of one outcome, in order. */
export const samplesOf = (
  { outcomes: all }: Cell,
  outcome: Fate | null,
): number[] =>
  outcome === null
    ? Array.from({ length: all.length }, (_, i) => i)
    : samplesThatAre(all, outcome);

/** The address of a cell, below which are those of its samples. */
export const homeOf = ({ run, cell }: Place): string =>
  `/runs/${run.id}/cells/${addressOf(cell)}`;
