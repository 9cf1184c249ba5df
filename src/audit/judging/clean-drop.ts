import { UNDEFENDED } from "../counting.ts";
import { type CandidateResult, type Cell, rightOf } from "../results/index.ts";
import {
  type Interval,
  newcombe,
  pairsOf,
  successesOf,
  tango,
} from "../statistics/index.ts";

/**
 * Clean accuracy of the reference less that of the candidate, in [-1, 1], with
 * its 95 % interval. It is paired where undefended cells of both candidates
 * show every sample behind their clean accuracies.
 */
export function cleanDrop(
  reference: CandidateResult,
  candidate: CandidateResult,
  cells: readonly Cell[],
): { value: number; interval: Interval; method: string } {
  const value = reference.cleanAccuracy.value - candidate.cleanAccuracy.value;
  const first = cleanOutcomes(reference, cells);
  const second = cleanOutcomes(candidate, cells);
  return first && second && first.length === second.length
    ? {
        value,
        interval: tango(pairsOf(first, second)),
        method: `Tango's paired score interval, n = ${first.length}`,
      }
    : {
        value,
        interval: newcombe(reference.cleanAccuracy, candidate.cleanAccuracy),
        method: `Newcombe's score interval of two proportions, n = ${candidate.cleanAccuracy.n}`,
      };
}

function cleanOutcomes(
  { id, cleanAccuracy }: CandidateResult,
  cells: readonly Cell[],
): boolean[] | undefined {
  const cell = cells.find(
    (one) =>
      one.candidate === id &&
      one.defense === UNDEFENDED &&
      one.outcomes.length === cleanAccuracy.n,
  );
  if (!cell) return undefined;
  const correct = rightOf(cell.outcomes);
  // As many samples are not the same samples; as many successes make it so
  // in all likelihood.
  return correct.filter(Boolean).length === successesOf(cleanAccuracy)
    ? correct
    : undefined;
}
