import { z } from "zod";
import { UsageError } from "#core";
import { hidden, type Model } from "#model";
import { type FloatTensor, GraphBuilder, graft, int, prune } from "#onnx";
import type { TrainingPart } from "#tuning";
import { defineMend } from "./repair.ts";
import { trainingParams, trainOn } from "./train.ts";

/** The published weights of the last three places, from input to output. */
const BETAS = [500, 1000, 1000];

/**
 * Neural attention distillation (Li et al. 2021, arXiv:2101.05930): the model is
 * trained on clean samples towards the attention maps of a teacher, which is the model
 * itself after further training on them. A map is the sum of the squared channels at a
 * place, divided by its length. The loss is cross-entropy and, at up to three places,
 * beta times the mean squared difference.
 */
export const nad = defineMend({
  id: "nad",
  title: "Neural attention distillation",
  summary:
    "Trains on towards the attention maps of a twin that was trained on with clean samples.",
  caution:
    "It can be no better than its teacher: where further training leaves the backdoor, so does this. Attention maps of small networks have few places.",
  reference: "Li et al. 2021, arXiv:2101.05930",
  params: z.strictObject({
    ...trainingParams,
    teacherEpochs: z
      .int()
      .positive()
      .default(10)
      .describe("epochs of the teacher"),
  }),
  check: placesOf,
  async mend({ model, clean, engine, params, random, signal }) {
    const { teacherEpochs, ...stated } = params;
    const settings = { ...stated, signal };
    const teacher = await trainOn(
      model,
      clean,
      { ...settings, epochs: teacherEpochs },
      engine,
      random.fork("teacher"),
    );
    return trainOn(
      model,
      clean,
      { ...settings, parts: [attentionOf(teacher)] },
      engine,
      random.fork("student"),
    );
  },
});

/** The last values between input and head that are maps of channels. */
function placesOf(model: Model): string[] {
  const b = new GraphBuilder(model.graph);
  const places = hidden(model, 99)
    .filter((value) => b.dims(value)?.length === 4)
    .slice(-BETAS.length);
  if (places.length > 0) return places;
  throw new UsageError(
    "REPAIR_INPUT",
    "attention distillation compares maps of channels, the model has none between input and head",
    "Use another repair, such as fine-tuning.",
  );
}

function attentionOf(teacher: Model): TrainingPart {
  return {
    loss(g, loss) {
      const { b } = g;
      const places = placesOf(teacher);
      const weights = [...teacher.graph.constants].filter(
        ([, { type }]) => type === "float32",
      );
      const taught = graft(
        b,
        prune({
          ...teacher.graph,
          outputs: places.map((name) => ({ name, type: "float32" as const })),
        }),
        new Map([
          [teacher.input, g.rows(teacher.input)],
          ...weights.map(([name, value]): [string, string] => [
            name,
            b.constant(value as FloatTensor),
          ]),
        ]),
      );
      return places.reduce((sum, place, i) => {
        const far = b.sub(map(b, taught(place)), map(b, g.rows(place)));
        const mean = b.op("ReduceMean", [b.mul(far, far)], {
          keepdims: int(0),
        });
        const beta = BETAS[BETAS.length - places.length + i]!;
        return b.add(sum, b.mul(mean, beta));
      }, loss);
    },
  };
}

/**
 * Attention of [N, C, H, W]: the sum of squares over channels, [N, HW], of length 1.
 */
function map(b: GraphBuilder, value: string): string {
  const flat = b.op("Flatten", [b.reduceSum(b.mul(value, value), [1])], {
    axis: int(1),
  });
  const square = b.reduceSum(b.mul(flat, flat), [1], true);
  return b.div(flat, b.sqrt(b.add(square, 1e-12)));
}
