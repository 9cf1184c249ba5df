import { z } from "zod";
import { AssayError } from "#core";
import type { Model } from "#model";
import type { Graph } from "#onnx";
import { defineTrainingDefense, type LossGraph, mean } from "#tuning";
import { ascentParams, climb, judgeBy } from "./ascent.ts";

/**
 * TWINS (Liu et al. 2023, arXiv:2303.11135): adversarial training of a robust base
 * whose batch normalisation is there twice, over the same weights: by the statistics
 * of the batch, as it is trained and shipped, and by those of the base, which keep
 * what pre-training knew. The loss is that of the first plus `lambda` times that
 * of the second. It needs `batchNorm: batch`. Defaults are those of the authors'
 * code, which cuts each batch in two, a half for each; here both see all of it. Its
 * examples are made on the model as it is trained, here with running statistics.
 */
export const twins = defineTrainingDefense({
  id: "twins",
  title: "TWINS",
  summary:
    "Adversarial training of a robust base through two normalisations at once: that of the batch and that of the base.",
  caution:
    "It keeps what a robust base knows; of a plain base there is nothing to keep. It needs batch normalisation and `batchNorm: batch`.",
  reference: "Liu et al. 2023, arXiv:2303.11135",
  makesExamples: true,
  params: z.strictObject({
    ...ascentParams({ eps: 8 / 255, steps: 10, relStepSize: 0.25 }),
    lambda: z
      .number()
      .nonnegative()
      .default(0.3)
      .describe("weight of the loss under the base's statistics"),
  }),
  open({ lambda, ...ascent }, { model: base }) {
    const statistics = statisticsOf(base);
    return {
      prepare: async (batch, moment) => ({
        ...batch,
        x: await climb(batch, moment, ascent),
      }),
      judge: judgeBy(ascent),
      loss(g, adaptive) {
        const { b } = g;
        requireBatches(g);
        const frozen = new Map(
          statistics.map(([name, value]) => [name, b.constant(value)]),
        );
        frozen.set(g.model.input, g.rows(g.model.input));
        const kept = mean(b, g.criterion(g.again(frozen, "stored")));
        g.record("frozen loss", kept);
        return b.add(adaptive, b.mul(kept, lambda));
      },
    };
  },
});

/** The running statistics of a model. */
function statisticsOf({ graph }: Model) {
  const names = normalisations(graph).flatMap(({ inputs }) =>
    inputs.slice(3, 5),
  );
  const found = names.flatMap((name) => {
    const value = graph.constants.get(name);
    return value ? [[name, value] as const] : [];
  });
  if (found.length > 0) return found;
  throw new AssayError(
    "TRAINING_PARTS",
    "twins needs batch normalisation, and the model has none",
    "Train with pgd-at, which does the same without.",
  );
}

/**
 * Refuses a normalisation that is trained but not by the statistics of batches:
 * both were the same.
 */
function requireBatches({ b, model }: LossGraph): void {
  const still = normalisations(model.graph).find(
    ({ inputs: [, scale = "", , mean = ""] }) =>
      !b.constantOf(scale) && b.constantOf(mean),
  );
  if (!still) return;
  throw new AssayError(
    "TRAINING_PARTS",
    "twins normalises by the statistics of each batch beside those of the base, and batchNorm is frozen",
    "Set batchNorm: batch.",
  );
}

const normalisations = ({ nodes }: Graph) =>
  nodes.filter(({ op }) => op === "BatchNormalization");
