import type { Family } from "#attacks";
import type { DecisionResult, Rate } from "../results/index.ts";
import { anytimeRate, successesOf } from "../statistics/index.ts";
import type { TrustCheck } from "../trust/index.ts";
import { judgeCells, type Looks, type Scored } from "./trusted.ts";
import { worstCases } from "./worst-case.ts";

/** A decision before its cells are judged. */
export interface Undecided
  extends Pick<
    DecisionResult,
    "candidate" | "defense" | "threatModel" | "of" | "cleanAccuracy" | "clean"
  > {
  readonly limits: readonly number[];
  readonly order: readonly number[];
  readonly isDecided: boolean;
  readonly skipped: readonly string[];
  readonly cells: readonly Scored[];
}

/**
 * Judges the cells of each decision by each other: trust is what it is of any worst
 * case, on the samples that were attacked.
 *
 * @param suite as the user named it
 * @param more checks beside our own
 */
export const judgeDecisions = (
  found: readonly Undecided[],
  looks: Looks,
  suite: Parameters<typeof judgeCells>[2],
  families: ReadonlyMap<string, Family>,
  more: readonly TrustCheck[] = [],
): DecisionResult[] =>
  found.map(({ order, isDecided, cells: scored, limits, skipped, ...one }) => {
    const cells = judgeCells(scored, looks, suite, more);
    const [worst] = worstCases(cells, [one.candidate], families);
    if (!worst) throw new Error("a decision has cells that count");
    const { attacks, trusted, evaluated, robustAccuracy } = worst;
    return {
      ...one,
      attacks,
      limits: [...limits],
      attacked: order.length,
      order: [...order],
      decided: isDecided,
      reason: reasonOf(isDecided, order.length, one.of),
      skipped:
        skipped.length === 0
          ? undefined
          : skipped.map((attack) => ({
              attack,
              reason: `It could only have lowered a number that had failed by ${attacks.join(" and ")}.`,
            })),
      robustAccuracy: alwaysValid(robustAccuracy),
      trusted,
      evaluated,
      cells,
    };
  });

const reasonOf = (isDecided: boolean, attacked: number, of: number): string =>
  isDecided
    ? `The rules were decided after ${attacked} of ${of} samples.`
    : `All ${of} samples were attacked, and the rules are not decided.`;

const alwaysValid = (rate: Rate): Rate =>
  anytimeRate(successesOf(rate), rate.n);
