import { percent } from "#core";
import { mcnemar } from "../../statistics/index.ts";
import {
  isSearch,
  robustCount,
  robustShare,
  STRONGER,
  sameBudget,
  strongest,
  type TrustCheck,
} from "../check.ts";
import { missed } from "./missed.ts";

/** Of all samples, how many more another attack of the same access may break. */
const TOLERATED = 0.1;

/** How likely chance may be (McNemar's exact test on the same samples). */
const SURE = 0.05;

/**
 * An attack of many steps does about as well as others with the same access and budget:
 * what is far behind has a fault, or is not made for this norm. The worst case is that
 * of the stronger one.
 */
export const keepsUp: TrustCheck = {
  id: "keeps-up",
  title: "The attack keeps up with others of its access",
  summary:
    "Whether the attack is not far behind other attacks of many steps at the same budget.",
  meaning:
    "A failure says that it has a fault here, or is not made for this norm. The worst case is that of the stronger one and may still be trusted.",
  advice:
    "Take the stronger attack's number, and more steps or restarts for this one.",
  judge(cell, siblings) {
    if (!isSearch(cell)) return undefined;
    const other = strongest(
      sameBudget(cell, siblings).filter(
        (one) => isSearch(one) && one.adaptive === cell.adaptive,
      ),
    );
    if (!other) return undefined;
    const seen = `${cell.attack} leaves ${percent(robustShare(cell))} robust and ${other.attack} ${percent(robustShare(other))}`;
    const behind = robustCount(cell) - robustCount(other);
    const chance = mcnemar(
      missed(cell, other).length,
      missed(other, cell).length,
    );
    return behind > TOLERATED * cell.outcomes.length && chance < SURE
      ? { status: "failed", message: `${seen}: ${STRONGER}.` }
      : { status: "passed", message: `${seen}.` };
  },
};
