import { z } from "zod";
import { lossesOf } from "./confidence.ts";
import { type Asked, defineMembership, shadowCount } from "./membership.ts";

const probabilitiesOf = (asked: Asked) =>
  lossesOf(asked).map((loss) => Math.exp(-loss));

/**
 * Robust membership inference (Zarifzadeh et al. 2024, arXiv:2312.03262): the share of
 * the population that a sample's rise in probability, p / mean p of reference models,
 * exceeds by a factor of gamma. Offline the mean over all models is ((1 + a) out + (1 -
 * a)) / 2, from the models that did not learn from it. The population is the validation
 * split, whose weights nobody learned. Probabilities are plain softmax. The paper needs
 * few reference models: 1 to 4, or 254.
 */
export const rmia = defineMembership({
  id: "rmia",
  title: "RMIA",
  summary:
    "Counts for how many samples of a population the candidate's probability, beside that of reference models, rises less than for the sample asked about.",
  caution:
    "The population is the validation split: a small one makes scores coarse. `a` is the paper's for images and is not tuned to the data, so failure is no proof of privacy.",
  reference: "Zarifzadeh et al. 2024, arXiv:2312.03262",
  threat:
    "asks the candidate for probabilities, trains a few models like it, and has other samples of the same kind",
  needs: ["tuning", "one class"],
  params: z.strictObject({
    mode: z
      .enum(["online", "offline"])
      .default("offline")
      .describe(
        "online: shadow models that learned from the sample too; offline: only those that did not",
      ),
    gamma: z
      .number()
      .min(1)
      .default(1)
      .describe(
        "factor by which the rise of a sample has to exceed that of one of the population",
      ),
    a: z
      .number()
      .min(0)
      .max(1)
      .default(0.3)
      .describe(
        "how the mean over models that did not learn from a sample is carried over to all; 0.3 in the paper for images",
      ),
    shadows: shadowCount(4),
  }),
  async score({ samples, population, shadows, params }) {
    const { mode, a } = params;
    const theirs = shadows.map(({ learned, ...said }) => ({
      learned,
      x: probabilitiesOf({ logits: said.logits, y: samples.y }),
      z: probabilitiesOf({ logits: said.population, y: population.y }),
    }));
    const all = (outside: number, inside: number) =>
      mode === "online"
        ? (outside + inside) / 2
        : ((1 + a) * outside + (1 - a)) / 2;
    const mean = (values: readonly number[]) =>
      values.reduce((s, v) => s + v, 0) / values.length;
    const side = (i: number, member: boolean) =>
      mean(
        theirs.flatMap(({ learned, x }) =>
          learned[i] === member ? [x[i]!] : [],
        ),
      );
    const rise = probabilitiesOf(samples).map((p, i) =>
      ratio(p, all(side(i, false), side(i, true))),
    );
    const others = probabilitiesOf(population).map((p, i) => {
      // No model learned from the population, so that its mean is one
      // of models outside.
      const outside = mean(theirs.map(({ z }) => z[i]!));
      return ratio(p, mode === "online" ? outside : all(outside, outside));
    });
    return exceeding(rise, others, params.gamma);
  },
});

/** A probability may be 0 in double precision. */
const ratio = (p: number, mean: number) => p / Math.max(mean, 1e-300);

/** For each number the share of others that it is above by a factor. */
export function exceeding(
  numbers: Float64Array,
  others: Float64Array,
  gamma: number,
): Float64Array {
  return numbers.map(
    (v) =>
      others.reduce((count, other) => count + Number(v > gamma * other), 0) /
      Math.max(1, others.length),
  );
}
