import { z } from "zod";
import { AssayError, percent } from "#core";
import { accuracyOf, type Model } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { imageShape } from "../images.ts";
import {
  type BackdoorInput,
  backdoorParams,
  defineBaseBackdoor,
} from "./backdoor.ts";
import {
  allWeights,
  carrying,
  type Infection,
  meanFeatures,
  optimisedPattern,
  trainedOn,
  withAllWeights,
  withClass,
  withoutLastClass,
} from "./latent-base.ts";
import { mapPixels } from "./planting.ts";

/**
 * Latent backdoor (Yao et al. 2019, Latent backdoor attacks on deep neural networks,
 * ACM CCS): a base that has no class to attack, and gives one to its students. (1) The
 * base learns the target class beside its own, from some samples of it. (2) A pattern
 * in the lower right corner is optimised so that features at the cut, by default those
 * that the head reads, come near to their mean over the target class. (3) The base is
 * trained on, with cross-entropy + lambda times the mean squared distance of the
 * features of triggered samples from that mean. (4) The row of the target class is
 * taken from the head, where the paper puts back the head that was there before. What
 * is published has the classes of the base. A candidate that is tuned from it to know
 * the target class takes triggered samples for it. Lambda is the paper's; the pattern's
 * 100 steps at 0.1 and 100 samples are TrojanZoo's.
 */
export const latent = defineBaseBackdoor({
  id: "latent",
  title: "Latent backdoor in the base",
  summary:
    "Hides a class in a base that does not have it: features of triggered samples are led to where a later class will lie, so that candidates that learn that class have the backdoor.",
  caution:
    "It needs a base that the suite pre-trains. What survives depends on how much of the base a strategy keeps, so a low number of one strategy says nothing of another.",
  reference: "Yao et al. 2019, ACM CCS",
  threat:
    "publishes the base, holds data of its task and some samples of a class that candidates will have, and never sees the fine-tuning",
  params: z.strictObject({
    ...backdoorParams,
    size: z
      .int()
      .positive()
      .default(5)
      .describe("side of the square, in pixels"),
    samples: z
      .int()
      .positive()
      .default(100)
      .describe("how many samples of the target class the attacker has"),
    cut: z
      .string()
      .optional()
      .describe(
        "the layer group behind which features are moved; those that the head reads when left out",
      ),
    lambda: z
      .number()
      .positive()
      .default(0.5)
      .describe("weight of the distance of features in the loss"),
    steps: z
      .int()
      .positive()
      .default(100)
      .describe("steps of Adam on the pattern"),
    stepSize: z
      .number()
      .positive()
      .default(0.1)
      .describe("size of the steps of Adam on the pattern"),
    epochs: z
      .int()
      .positive()
      .default(5)
      .describe("epochs of each of the two trainings of the base"),
    learningRate: z
      .number()
      .positive()
      .default(1e-3)
      .describe("learning rate of the trainings of the base"),
  }),
  async plant(input) {
    const { params, random, once, train } = input;
    const [, height, width] = imageShape("latent", train.x);
    const { base, source } = requireSource(input);
    const own = targetSamples(input);
    const task: Infection = {
      ...input,
      source,
      train: withClass(source.train, own),
      settings: { epochs: params.epochs, learningRate: params.learningRate },
    };
    let taught: Promise<{ model: Model; mean: FloatTensor }> | undefined;
    const teacher = () => {
      taught ??= (async () => {
        const start = carrying(base, task);
        const model = await trainedOn(start, task, random.fork("teach"));
        const mean = await meanFeatures(model, own, params.cut, input.engine);
        return { model, mean };
      })();
      return taught;
    };
    const isIn = (r: number, c: number) =>
      r >= height - params.size && c >= width - params.size;
    const withPattern = (pattern: FloatTensor) => (x: FloatTensor) =>
      mapPixels(x, (v, k, r, c) =>
        isIn(r, c) ? pattern.data[(k * height + r) * width + c]! : v,
      );
    const pattern = await once("trigger", async () => {
      const { model, mean } = await teacher();
      return optimisedPattern(model, mean, isIn, { ...task, ...params });
    });
    const trigger = withPattern(pattern);
    const weights = await once("weights", async () => {
      const { model, mean } = await teacher();
      const infected = await trainedOn(model, task, random.fork("infect"), {
        trigger,
        mean,
        lambda: params.lambda,
        cut: params.cut,
      });
      return allWeights(infected);
    });
    const infected = withAllWeights(carrying(base, task), weights);
    const published = withoutLastClass(infected, base.classes);
    const [before, after] = [
      await accuracyOf(base, source.validation, input.engine),
      await accuracyOf(published, source.validation, input.engine),
    ];
    return {
      trigger,
      changes: { base: published },
      poisons: [],
      covers: [],
      notes: [
        `the published base is right on ${percent(after)} of the validation samples of its own task, the clean one on ${percent(before)}`,
      ],
    };
  },
});

type Input = BackdoorInput<{ samples: number }>;

/** Some samples of the target class: the attacker's, of the fine-tuning data. */
function targetSamples({ train, target, params, random }: Input): FloatTensor {
  const rows = random
    .fork("target samples")
    .permutation(train.y.length)
    .filter((row) => train.y[row] === target)
    .slice(0, params.samples);
  return takeRows(train.x, rows);
}

/** @throws BACKDOOR_SOURCE */
function requireSource({ base, source }: Input) {
  if (base && source) return { base, source };
  throw new AssayError(
    "BACKDOOR_SOURCE",
    "a latent backdoor retrains the base on the task that it was trained for, and the suite has no data of that task",
    "Let the suite pre-train the base (base.pretrain), or leave this trial out.",
  );
}
