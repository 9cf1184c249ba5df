import { percent } from "#core";
import { samples } from "../../words.ts";
import type { Evidence, TrustCheck } from "../check.ts";
import { settled } from "./settled.ts";

/**
 * Gradients that are means of more draws break no more (Athalye et al. 2018,
 * arXiv:1802.00420; 20 draws as in AutoAttack).
 */
export const convergedInDraws: TrustCheck = {
  id: "converged-in-draws",
  title: "More draws a gradient break no more",
  summary:
    "Whether the attack breaks more of what stands when each gradient is the mean of more draws of a model that draws at random.",
  meaning:
    "A failure or warning says that gradients were too noisy, so that the number is too high.",
  advice:
    "Raise eot, or take autoattack with `version: rand`, until twice as many draws change nothing.",
  judge(cell) {
    const tries = cell.probes?.moreDraws;
    if (!cell.probes || !tries) return undefined;
    const found = settled(
      cell,
      cell.probes,
      tries,
      `${cell.attack} with ${tries.draws} draws a gradient instead of ${tries.before}`,
      "average its gradients over more draws (eot), until twice as many change nothing",
    );
    return found && { ...found, message: found.message + courseOf(cell) };
  },
};

/** How success depends on the draws, as a sentence of its own. */
function courseOf({ probes }: Evidence): string {
  const course = probes?.course;
  const [first] = course ?? [];
  if (!course || !first) return "";
  const parts = course.map(
    ({ tried, broken, draws }) => `${percent(broken / tried)} at ${draws}`,
  );
  return ` Success on ${samples(first.tried)} by draws a gradient: ${parts.join(", ")}.`;
}
