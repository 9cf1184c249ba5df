import type { TrustCheck } from "../check.ts";
import { settled } from "./settled.ts";

/**
 * Random points of the ball do not break what gradients missed (Carlini et al. 2019,
 * arXiv:1902.06705, with fewer draws).
 */
export const noiseFindsNothing: TrustCheck = {
  id: "noise-finds-nothing",
  title: "Random search finds nothing more",
  summary:
    "Whether random points of the ball break what the attack left standing.",
  meaning:
    "A failure or warning says that gradients missed what chance finds, so that the number is too high.",
  advice:
    "Attack without gradients (square, hopskipjump); of a search, give it more queries.",
  judge(cell) {
    if (!cell.probes) return undefined;
    const { noise, noiseDraws } = cell.probes;
    return settled(
      cell,
      cell.probes,
      noise,
      `Random search, ${noiseDraws} points of the ball each,`,
      cell.family === "query"
        ? "it asked too little; run it with more queries"
        : "gradients mislead; attack without gradients (square, hopskipjump)",
    );
  },
};
