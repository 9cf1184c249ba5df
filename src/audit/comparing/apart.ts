import type { Compared, DecisionResult, Results } from "../results/index.ts";
import {
  anytimeInterval,
  clopperPearson,
  type Interval,
  successesOf,
} from "../statistics/index.ts";
import { type Counted, cellNumber, numbered } from "./numbers.ts";

/**
 * Numbers that were attacked until the gate was decided (`decide: true`). They stand
 * for the worst case and the cells of their place, of which the run has no others.
 */
export const decidedNumbers = ({
  decisions = [],
}: Pick<Results, "decisions">): Counted[] =>
  decisions.flatMap((decision) => {
    const { attacked, of } = decision;
    const rest = { fates: null, decided: { attacked, of } };
    return [
      { ...worstOf(decision), ...rest },
      ...decision.cells.map((cell) => ({ ...cellNumber(cell), ...rest })),
    ];
  });

const worstOf = (decision: DecisionResult): Counted =>
  numbered({
    place: {
      metric: "robustAccuracy",
      candidate: decision.candidate,
      defense: decision.defense,
      attack: null,
      threatModel: decision.threatModel,
      adaptive: null,
    },
    rate: decision.robustAccuracy,
    fates: null,
    trusted: decision.trusted && decision.evaluated,
    cells: decision.cells,
    through: [],
  });

/**
 * Two numbers of which at least one was decided early, or is not known sample by
 * sample. How many samples the first is of depends on what they showed, so that no
 * test of paired samples holds. The number of each run has its own interval instead,
 * always-valid where it was decided early and exact otherwise: the p-value is the
 * least level at which both are apart, half of it for each.
 */
export function apart(
  old: Counted,
  now: Counted,
  isTrusted: boolean,
): Partial<Compared> {
  const at = (level: number) =>
    [old, now].map((one) => intervalOf(one, 1 - level / 2)) as [
      Interval,
      Interval,
    ];
  const [before, after] = at(0.05);
  return {
    difference: {
      value: now.rate.value - old.rate.value,
      low: after.low - before.high,
      high: after.high - before.low,
    },
    pValue: isTrusted ? leastLevel(at) : null,
    change: isTrusted ? "undecided" : "untrusted",
    reason: `${[unpairedIn("old", old), unpairedIn("new", now)]
      .flat()
      .join(", ")}: compared by an interval of each run, not sample by sample`,
  };
}

function unpairedIn(run: string, { decided, fates }: Counted): string[] {
  if (decided)
    return [
      `decided early in the ${run} run, on ${decided.attacked} of ${decided.of} samples`,
    ];
  return fates ? [] : [`the ${run} run does not tell which samples are right`];
}

const intervalOf = ({ rate, decided }: Counted, confidence: number) =>
  (decided ? anytimeInterval : clopperPearson)(
    successesOf(rate),
    rate.n,
    confidence,
  );

/** Halvings of a level, until it is as small as anybody would look at. */
const HALVINGS = 40;

/** The least level at which two intervals are apart; 1 where they never are. */
function leastLevel(at: (level: number) => [Interval, Interval]): number {
  const isApart = (level: number) => {
    const [one, other] = at(level);
    return one.high < other.low || other.high < one.low;
  };
  let [low, high] = [0, 1];
  for (let k = 0; k < HALVINGS; k++) {
    const middle = (low + high) / 2;
    if (isApart(middle)) high = middle;
    else low = middle;
  }
  return high;
}
