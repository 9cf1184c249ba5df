import { percent } from "#core";
import type { TrustCheck } from "../check.ts";

/**
 * Of the fall of the margin from one class to another, what may be one jump. What has a
 * gradient has none, but for float32; coarse inputs have many small ones, which a
 * gradient that passes over their rounding knows of.
 */
const FAILED = { overRounding: 0.5, otherwise: 0.1 };

/**
 * A gradient of scores leads to other labels only where the scores have to do with
 * them: a margin that falls in one jump says nothing of where that is (Athalye et al.
 * 2018, arXiv:1802.00420, on gradients that are not of what decides).
 */
export const scoresTell: TrustCheck = {
  id: "scores-tell",
  title: "Scores tell how near another label is",
  summary:
    "How much of the margin's fall, on straight ways from a sample to one of another class, happens in one jump where the label changes.",
  meaning:
    "A failure says that the scores have little to do with the label: the gradient is of something else, and an attack that follows it finds nothing, however weak the model is.",
  advice:
    "Attack by labels alone (hopskipjump, geoda), or through a model that imitates the labels; look for an argmax, a rounding or a vote within the file.",
  judge({ probes }) {
    if (!probes?.atBoundary) return undefined;
    const { jump, ways, overRounding } = probes.atBoundary;
    const most = overRounding ? FAILED.overRounding : FAILED.otherwise;
    const seen = `Where the label changes between two samples (${ways} pairs), the margin falls by ${percent(jump)} of its whole fall in one jump`;
    return jump < most
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "failed",
          message: `${seen}: the scores do not tell where labels change, so neither do their gradients; attack by labels alone.`,
        };
  },
};
