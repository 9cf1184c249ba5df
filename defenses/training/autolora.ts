import { z } from "zod";
import { AssayError, type Random } from "#core";
import { layerGroups, type Model } from "#model";
import { int } from "#onnx";
import {
  defineTrainingDefense,
  factorsOf,
  isMatrix,
  klDivergence,
  type LossGraph,
  mean,
} from "#tuning";
import { ascentParams, climb, judgeBy } from "./ascent.ts";
import { nextTo, requireClasses } from "./beside.ts";

/** What the clean samples are fed as, beside the adversarial ones. */
const CLEAN = "clean";
const NATURAL_WEIGHT = "AutoLoRa natural weight";
const DIVERGENCE_WEIGHT = "AutoLoRa divergence weight";
const ACCURACY = "natural accuracy";

/**
 * AutoLoRa (Xu et al. 2023, arXiv:2310.01818): the weights learn from adversarial
 * samples, and a low-rank branch beside them from clean ones, so that the two
 * do not pull at the same weights. Of the accuracy a of the branch on clean
 * training samples the loss is (1 - a) CE(branch(x), y) + a CE(f(x'), y)
 * + `scale` a KL(branch(x) || f(x')); only the head is in both. The branch is thrown
 * away in the end.
 *
 * Its learning rate goes with the schedule \`halve-at-checkpoints\` and SGD. Defaults
 * are those of the authors' code. a is taken over the batches of the last epoch, as
 * they were trained on, where the authors pass over the training data again four times
 * an epoch. It begins at 0. The branch is not decayed.
 */
export const autolora = defineTrainingDefense({
  id: "autolora",
  needs: ["one class"],
  title: "AutoLoRa",
  summary:
    "Adversarial samples train the weights, clean ones a low-rank branch beside them that is thrown away in the end.",
  caution:
    "It is meant for a robust base, with its schedule halve-at-checkpoints and SGD; with other settings it is not the paper's. Robust validation accuracy chooses the epoch, so judge by a stronger attack.",
  reference: "Xu et al. 2023, arXiv:2310.01818",
  makesExamples: true,
  params: z.strictObject({
    ...ascentParams({ eps: 8 / 255, steps: 10, relStepSize: 0.25 }),
    rank: z.int().positive().default(8).describe("rank of the branch"),
    scale: z
      .number()
      .nonnegative()
      .default(6)
      .describe("weight of the divergence where every clean sample is right"),
  }),
  open({ rank, scale, ...ascent }, { model, stepsPerEpoch, random }) {
    requireClasses(model, "AutoLoRa");
    const seen: number[] = [];
    return {
      async prepare(batch, moment) {
        const start = nextTo(batch.x, moment, ascent);
        const x = await climb(batch, moment, ascent, { start });
        const accuracy =
          seen.reduce((sum, a) => sum + a, 0) / Math.max(1, seen.length);
        const feeds = {
          ...batch.feeds,
          [CLEAN]: batch.x,
          [NATURAL_WEIGHT]: 1 - accuracy,
          [DIVERGENCE_WEIGHT]: scale * accuracy,
        };
        return { ...batch, x, feeds };
      },
      judge: judgeBy({ ...ascent, steps: 2 * ascent.steps }),
      loss(g, adversarial) {
        const natural = branch(g, rank, random);
        const { b } = g;
        const weight = g.scalar(NATURAL_WEIGHT);
        const clean = mean(b, g.criterion(natural));
        const apart = mean(b, klDivergence(b, natural, g.rows(g.model.logits)));
        g.record(ACCURACY, accuracyOf(g, natural));
        g.record("divergence", apart);
        return b.add(
          b.add(b.mul(clean, weight), b.mul(adversarial, b.sub(1, weight))),
          b.mul(apart, g.scalar(DIVERGENCE_WEIGHT)),
        );
      },
      async gradient(batch, at) {
        const found = await at(batch);
        seen.push(found.records[ACCURACY]!);
        if (seen.length > stepsPerEpoch) seen.shift();
        return found;
      },
    };
  },
});

/**
 * The logits of clean samples by way of the branch: no weight but those of the head
 * learns from them.
 */
function branch(g: LossGraph, rank: number, random: Random): string {
  const { b, model } = g;
  const body = layerGroups(model.graph).slice(0, -1);
  const replaced = new Map([
    [model.input, g.feed(CLEAN, model.contract.shape)],
  ]);
  const draw = (size: number) =>
    Float32Array.from({ length: size }, () => random.normal());
  const matrices = body
    .flatMap((group) => group.parameters)
    .filter((name) => {
      // Constants are frozen anyway.
      if (!b.constantOf(name)) replaced.set(name, g.withGradientOf(name));
      return isMatrix(model, name);
    });
  if (matrices.length === 0) throw nothingToAdapt(model);
  const adapted = matrices.map((weight) => {
    const begin = factorsOf(model, weight, rank, draw);
    return {
      weight,
      left: g.parameter(`${weight}.branch_left`, begin.left),
      right: g.parameter(`${weight}.branch_right`, begin.right),
      scale: 1 / rank,
    };
  });
  return g.again(replaced, undefined, adapted);
}

/** The share of rows whose largest logit is that of their class. */
function accuracyOf({ b, labels }: LossGraph, logits: string): string {
  const said = b.op("ArgMax", [logits], { axis: int(1), keepdims: int(0) });
  const right = b.op("Equal", [said, labels]);
  return mean(b, b.cast(right, "float32"));
}

const nothingToAdapt = ({ graph }: Model) =>
  new AssayError(
    "TRAINING_PARTS",
    `autolora finds no matrix before the head; the model has ${layerGroups(
      graph,
    )
      .map(({ name }) => name)
      .join(", ")}`,
    "Train with pgd-at or trades.",
  );
