import { guessworkInWords, isGuesswork } from "../../models/index.ts";
import type { TrustCheck } from "../check.ts";

/**
 * The model does better than one answer for everything: what says the same of all
 * inputs withstands every attack, and is worth nothing.
 */
export const betterThanGuessing: TrustCheck = {
  id: "better-than-guessing",
  title: "The model does better than guessing",
  summary:
    "Whether the model is right more often than one answer for everything, by a one-sided exact test on the same samples.",
  meaning:
    "A failure says that the answers cannot be told from one answer for everything, which withstands every attack and is worth nothing. A warning says that there are too few samples to tell.",
  advice:
    "Check the preprocessing, the order of the outputs and the labels. After a warning attack more samples.",
  judge({ guesswork }) {
    if (!guesswork) return undefined;
    const { right, samples, constant } = guesswork;
    const odd = guessworkInWords(guesswork);
    if (odd === undefined)
      return {
        status: "passed",
        message: `It is right on ${right} of ${samples} clean samples, and the best single answer for everything on ${constant}.`,
      };
    return isGuesswork(guesswork)
      ? {
          status: "failed",
          message: `The model ${odd}: check its preprocessing and the order of its outputs; what it withstands says nothing.`,
        }
      : { status: "warned", message: `The model ${odd}; attack more of them.` };
  },
};
