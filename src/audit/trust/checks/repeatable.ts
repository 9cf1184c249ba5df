import { samples } from "../../words.ts";
import { isRandom, isWhiteBox, type TrustCheck } from "../check.ts";

/** Draws that a gradient has to be averaged over. */
const DRAWS = 20;

/**
 * A model that draws at random is attacked through the mean of many draws (Croce and
 * Hein 2020, arXiv:2003.01690).
 */
export const repeatable: TrustCheck = {
  id: "repeatable",
  title: "The model answers alike",
  summary: "Whether the model gives the same answers when it is asked again.",
  meaning:
    "It draws at random. A failure says that the attack's gradient is the mean of too few draws for its number to count; a warning that it is of enough.",
  advice:
    "Attack the mean of 20 draws or more: eot of PGD and the Auto-PGD family, or autoattack with `version: rand`.",
  judge(cell) {
    if (!isWhiteBox(cell)) return undefined;
    const { changed, apart } = cell.model;
    if (!isRandom(cell.model))
      return {
        status: "passed",
        message: "Asked again, the model gives the same logits.",
      };
    const seen = `Asked again, the model classifies ${samples(changed)} of 32 otherwise, and its logits are up to ${apart.toPrecision(2)} apart`;
    return cell.draws >= DRAWS
      ? { status: "warned", message: `${seen}: it draws at random.` }
      : {
          status: "failed",
          message: `${seen}: it draws at random; attack the mean of ${DRAWS} draws (autoattack with version: rand).`,
        };
  },
};
