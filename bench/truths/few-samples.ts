import { Random } from "#core";
import { replaceHead } from "#model";
import { accuracy, digits, learned, some, trained } from "./digits.ts";
import type { Pair, Truth } from "./truth.ts";

const GENTLE = {
  "gradual-unfreezing": "gradual unfreezing",
  discriminative: "discriminative rates",
} as const;

/** How far below full fine-tuning still counts as not worse. */
const MARGIN = -0.02;

/**
 * A base of the digits 0 to 4 becomes one of 5 to 9 by a few samples of each class:
 * gradual unfreezing and discriminative rates are not worse than training everything
 * at once (Howard and Ruder 2018, arXiv:1801.06146). The learning rate of each is
 * chosen on validation data of five samples a class.
 */
export const fewSamples = (
  sizes: readonly number[],
  epochs: { base: number; tuned: number },
  rates: readonly number[],
): Truth => ({
  id: "few-samples",
  async measure(seed) {
    const first = await digits(seed, ["0", "1", "2", "3", "4"]);
    const base = await learned(first, seed, epochs.base);
    const second = await digits(seed, ["5", "6", "7", "8", "9"]);
    const headed = replaceHead(
      base,
      second.train.classes,
      new Random(seed).fork("head"),
    );
    const pairs: Pair[] = [];
    for (const size of sizes) {
      const parts = {
        train: some(second.train, 5 * size, seed),
        validation: some(second.validation, 25, seed),
      };
      const by = async (strategy: string) => {
        const found = [];
        for (const learningRate of rates)
          found.push(
            await trained(headed, parts, seed, {
              strategy,
              settings: { epochs: epochs.tuned, batchSize: 16, learningRate },
            }),
          );
        const [best] = found.sort(
          (a, b) =>
            b.best.validationAccuracy - a.best.validationAccuracy ||
            a.best.validationLoss - b.best.validationLoss,
        );
        return accuracy(best?.model ?? headed, second.test);
      };
      const full = await by("full");
      for (const [strategy, title] of Object.entries(GENTLE))
        pairs.push({
          what: `accuracy, ${size} samples a class: ${title}, against full`,
          first: await by(strategy),
          second: full,
          least: MARGIN,
        });
    }
    return pairs;
  },
});
