import { z } from "zod";
import type { Spoken } from "#data";
import { residualOf } from "#model";
import { type FloatTensor, floats, sizeOf } from "#onnx";
import { answerTokens, defineTrainingDefense, mean } from "#tuning";
import { discrepancy } from "./discrepancy.ts";
import { inTurn, ownDialogues } from "./own-dialogues.ts";
import { again, headOn, streamsOf } from "./streams.ts";

const IDS = "harmful ids";
const TARGETS = "harmful targets";
const SAID = "harmful tokens";
const NOISE = "harmful noise";

/**
 * Representation noising (RepNoise, Rosati et al. 2024, arXiv:2405.14577): beside the
 * alignment loss, `beta` times the maximum mean discrepancy between what the residual
 * stream holds at the tokens of forbidden answers and Gaussian noise, a mean over the
 * layers, is made small, and `alpha` times the logarithm of the loss of forbidden
 * answers large, which is a mean over the model's head on each layer. The discrepancy
 * has five Gaussian kernels around the mean squared distance, and takes the tokens of a
 * text as one row. Defaults are those of the paper, whose authors search them anew for
 * each model.
 */
export const repNoise = defineTrainingDefense({
  id: "rep-noise",
  title: "Representation noising (RepNoise)",
  summary:
    "Aligns a language model so that what it computes of forbidden answers becomes noise, in every layer.",
  caution:
    "Alpha, beta and the learning rate want a search for each model, as its authors say. It withstands attackers with the rates that it was made for.",
  reference: "Rosati et al. 2024, arXiv:2405.14577",
  needs: ["dialogues"],
  params: z.strictObject({
    alpha: z
      .number()
      .nonnegative()
      .default(1)
      .describe("weight of the loss of forbidden answers, which is raised"),
    beta: z
      .number()
      .nonnegative()
      .default(0.001)
      .describe("weight of the discrepancy from noise"),
  }),
  open({ alpha, beta }, context) {
    const own = ownDialogues(context, "rep-noise");
    const next = inTurn(own.forbidden, context.random.fork("harmful"));
    const layers = streamsOf(context).length;
    const places = [layers, own.length, residualOf(context.model).width];
    return {
      prepare(batch, { batchRandom }) {
        const said = next(batch.y.length);
        const { x, targets } = own.batch(said);
        const noise = Float32Array.from(
          { length: said.length * sizeOf(places) },
          () => batchRandom.normal(),
        );
        return {
          ...batch,
          feeds: {
            ...batch.feeds,
            [IDS]: x,
            [TARGETS]: targets as FloatTensor,
            [SAID]: saidOf(said, x.dims),
            [NOISE]: floats([said.length, ...places], noise),
          },
        };
      },
      loss(g, before) {
        const { b } = g;
        const ids = g.feed(IDS, [own.length]);
        const targets = g.feed(TARGETS, [own.length]);
        const said = g.feed(SAID, [own.length]);
        const { hidden } = again(g, b.cast(ids, b.type(g.model.input)));
        const noise = g.feed(NOISE, places);
        const answers = answerTokens(g, targets);
        const lossOf = (stream: string) =>
          answers.mean(b.neg(answers.logs(headOn(g, stream))));
        const meanOver = (values: readonly string[]) =>
          mean(
            b,
            b.concat(
              values.map((v) => b.reshape(v, [1])),
              0,
            ),
          );
        const harmful = meanOver(hidden.map(lossOf));
        g.record("loss of forbidden answers", harmful);
        // Tokens of answers alone, those of a text in one row.
        const rowsOf = (value: string) =>
          b.op("Flatten", [b.mul(value, b.unsqueeze(said, [2]))]);
        const apart = meanOver(
          hidden.map((stream, l) => {
            const drawn = b.squeeze(b.slice(noise, [l], [l + 1], [1]), [1]);
            return discrepancy(g, rowsOf(stream), rowsOf(drawn));
          }),
        );
        g.record("discrepancy from noise", apart);
        const raised = b.mul(b.log(harmful), alpha);
        return b.sub(b.add(before, b.mul(apart, beta)), raised);
      },
    };
  },
});

/** 1 where a text has a token of its answer, else 0: [N, length]. */
function saidOf(said: readonly Spoken[], dims: readonly number[]): FloatTensor {
  const [, length = 0] = dims;
  const data = new Float32Array(sizeOf(dims));
  for (const [i, { prompt, answer }] of said.entries())
    data.fill(
      1,
      i * length + prompt.length,
      i * length + prompt.length + answer.length,
    );
  return floats(dims, data);
}
