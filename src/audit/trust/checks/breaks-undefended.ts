import { percent } from "#core";
import { UNDEFENDED } from "../../counting.ts";
import { isSearch, robustShare, strongest, type TrustCheck } from "../check.ts";

const TOLERATED = 0.05;

/**
 * What does not even break the undefended candidate says little of a defence (Carlini
 * et al. 2019, arXiv:1902.06705).
 */
export const breaksUndefended: TrustCheck = {
  id: "breaks-undefended",
  title: "The attack breaks the undefended candidate",
  summary: "Whether the attack breaks the same candidate without the defence.",
  meaning:
    "A warning says that the attack leaves much even there: only the difference between the two is the defence's.",
  advice:
    "Compare with the undefended number, or take a larger budget, which shows more of the difference.",
  judge(cell, siblings) {
    if (!isSearch(cell) || cell.defense === UNDEFENDED) return undefined;
    const control = strongest(
      siblings.filter(
        (one) =>
          one.defense === UNDEFENDED &&
          one.candidate === cell.candidate &&
          one.attack === cell.attack &&
          one.norm === cell.norm &&
          one.eps === cell.eps,
      ),
    );
    if (!control) return undefined;
    const left = robustShare(control);
    const seen = `Without the defence ${cell.attack} leaves ${percent(left)} robust`;
    return left <= TOLERATED
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "warned",
          message: `${seen}, with it ${percent(robustShare(cell))}: only the difference is the defence's; a larger budget shows more of it.`,
        };
  },
};
