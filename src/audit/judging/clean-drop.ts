import { UNDEFENDED } from "../counting.ts";
import { type CandidateResult, type Cell, rightOf } from "../results/index.ts";
import {
  type IntervalAt,
  newcombe,
  pairsOf,
  successesOf,
  tango,
} from "../statistics/index.ts";

/**
 * Clean accuracy of the reference less that of the candidate, in [-1, 1], with
 * its interval. It is paired where undefended cells of both candidates
 * show every sample behind their clean accuracies.
 *
 * @returns with the share of samples that only one of both has right; as if samples
 *   were independent where none is shown
 */
export function cleanDrop(
  reference: CandidateResult,
  candidate: CandidateResult,
  cells: readonly Cell[],
): {
  value: number;
  intervalAt: IntervalAt;
  discordant: number;
  method: string;
} {
  const [one, other] = [reference.cleanAccuracy, candidate.cleanAccuracy];
  const value = one.value - other.value;
  const first = cleanOutcomes(reference, cells);
  const second = cleanOutcomes(candidate, cells);
  if (first && second && first.length === second.length) {
    const pairs = pairsOf(first, second);
    return {
      value,
      intervalAt: (confidence) => tango(pairs, confidence),
      discordant: (pairs.onlyFirst + pairs.onlySecond) / first.length,
      method: `Tango's paired score interval, n = ${first.length}`,
    };
  }
  return {
    value,
    intervalAt: (confidence) => newcombe(one, other, confidence),
    discordant: one.value * (1 - other.value) + other.value * (1 - one.value),
    method: `Newcombe's score interval of two proportions, n = ${other.n}`,
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
