import { percent } from "#core";
import { rate } from "../../statistics/index.ts";
import { samples } from "../../words.ts";
import {
  comparable,
  type Evidence,
  isSearch,
  type Ruling,
  robustCount,
  STRONGER,
  strongest,
  type TrustCheck,
} from "../check.ts";

/**
 * With half the input range as budget every image can be turned grey, so an
 * iterative attack must bring accuracy down to guessing (Carlini et al. 2019,
 * arXiv:1902.06705). One step is not expected to, nor is anything on rows of a
 * table with constraints.
 */
export const reachesChance: TrustCheck = {
  id: "reaches-chance",
  title: "An unbounded attack breaks everything",
  summary:
    "Whether the attack without a limit, or with half the range of inputs, brings accuracy down to guessing.",
  meaning:
    "A failure says that the attack does not break what must be breakable, so that its number at any budget is too high.",
  advice:
    "Look for what masks the gradient or ends the attack early; run autoattack, then square and hopskipjump.",
  judge(cell, siblings) {
    if (!isSearch(cell) || cell.constrained) return undefined;
    const unbounded = strongest(
      [cell, ...comparable(cell, siblings)].filter(
        (one) => one.attack === cell.attack && isUnbounded(one),
      ),
    );
    if (!unbounded) return judgeProbe(cell);
    const robust = rate(robustCount(unbounded), unbounded.outcomes.length);
    const seen = `At eps ${unbounded.eps} ${cell.attack} leaves ${percent(robust.value)} robust, and guessing gives ${percent(cell.chance)}`;
    return robust.low <= cell.chance
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "failed",
          message: `${seen}: ${STRONGER}.`,
        };
  },
};

/**
 * The same of samples that the attack left standing, where no cell has such a budget.
 */
function judgeProbe({ attack, probes, chance }: Evidence): Ruling {
  if (!probes?.unbounded) return undefined;
  const { tried, broken } = probes.unbounded;
  const left = rate(tried - broken, tried);
  const seen = `With a budget of half the input range ${attack} breaks ${broken} of ${samples(tried)} that were left standing`;
  return left.low <= chance
    ? { status: "passed", message: `${seen}.` }
    : {
        status: "failed",
        message: `${seen}: ${STRONGER}.`,
      };
}

function isUnbounded({ norm, eps, boundsWidth }: Evidence): boolean {
  // A bound such as 0.5 survives the arithmetic of widths only to the last bits.
  return norm === "linf" && eps >= (boundsWidth / 2) * (1 - 1e-9);
}
