import { percent } from "#core";
import { samples } from "../../words.ts";
import {
  robustCount,
  robustShare,
  STRONGER,
  sameBudget,
  seeks,
  strongest,
  type TrustCheck,
} from "../check.ts";
import { listed, missed } from "./missed.ts";

/**
 * Following the gradient does better than noise of the same size (Carlini et al. 2019,
 * arXiv:1902.06705).
 */
export const beatsNoise: TrustCheck = {
  id: "beats-noise",
  title: "The attack beats noise",
  summary:
    "Whether the attack breaks more samples than noise of the same size.",
  meaning:
    "A failure says that the attack does less than chance, so its number is far too high. A warning says that noise broke samples which the attack did not.",
  advice:
    "Take more or longer steps and restarts, then autoattack; where that changes nothing, gradients are masked: run square and hopskipjump. Of texts run charmer.",
  judge(cell, siblings) {
    if (!seeks(cell)) return undefined;
    const noise = strongest(
      sameBudget(cell, siblings).filter(({ family }) => family === "control"),
    );
    if (!noise) return undefined;
    const seen = `${cell.attack} leaves ${percent(robustShare(cell))} robust and ${noise.attack} ${percent(robustShare(noise))}`;
    if (robustCount(cell) > robustCount(noise)) {
      return {
        status: "failed",
        message: `${seen}: ${cell.norm === "edits" ? "this attack finds little here; trust the lower number, and run charmer" : STRONGER}.`,
      };
    }
    const ids = missed(cell, noise);
    return ids.length === 0
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "warned",
          message: `${seen}, but only noise broke ${samples(ids.length)} (${listed(ids)}): the attack is weak on these.`,
        };
  },
};
