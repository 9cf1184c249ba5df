import { ballOf } from "#attacks";
import { compile, evaluate } from "#model";
import { type FloatTensor, floats, type GraphBuilder } from "#onnx";
import type { DetectorParts } from "../detector.ts";
import type { FitInput } from "../fit.ts";
import { logistic } from "./logistic.ts";

/**
 * Weighs scores of several layers by logistic regression, as Ma et al. 2018
 * (arXiv:1801.02613) and Lee et al. 2018 (arXiv:1807.03888) do: positive are
 * FGSM examples of the validation samples, negative the samples and noisy copies
 * of the same size, uniform in sign. Behind sanitizers all three are what they
 * make of them, and the examples are made on the model behind them.
 *
 * @param add the scores of the layers, each [N]
 * @param eps size of the examples, as a share of the input range
 */
export async function weighLayers(
  input: FitInput,
  eps: number,
  add: (b: GraphBuilder) => readonly string[],
): Promise<[string, FloatTensor][]> {
  const { model, engine, random } = input;
  const {
    model: attacked,
    validation: { x, y },
    pass,
  } = input.outside ?? { ...input, pass: async (made: FloatTensor) => made };
  const [low, high] = model.contract.bounds;
  const ball = ballOf("linf", eps * (high - low), [low, high]);
  const compiled = await compile(attacked, engine);
  const { gradient } = await compiled.lossGradient(x, y);
  await compiled.release();
  const step = (along: FloatTensor) =>
    ball.project(x, ball.ascend(x, along, ball.eps));
  const stream = random.fork("noise");
  const noise = floats(
    x.dims,
    x.data.map(() => stream.uniform() - 0.5),
  );
  const rowsOf = async (inputs: FloatTensor) => {
    const reached = await pass(inputs);
    const scores = await evaluate(model, engine, reached, add);
    return Array.from({ length: reached.dims[0] ?? 0 }, (_, i) =>
      scores.map((s) => s.data[i]!),
    );
  };
  const clean = [...(await rowsOf(x)), ...(await rowsOf(step(noise)))];
  const positive = await rowsOf(step(gradient));
  const { weights, bias } = logistic(
    [...clean, ...positive],
    [...clean.map(() => false), ...positive.map(() => true)],
  );
  return [
    ["weights", floats([weights.length], Float32Array.from(weights))],
    ["bias", floats([1], [bias])],
  ];
}

/** The weighed scores of the layers, [N]: the logit of being an attack. */
export function weighed(
  { b, fitted }: Pick<DetectorParts, "b" | "fitted">,
  scores: readonly string[],
): string {
  const weights = fitted("weights").data;
  const terms = scores.map((s, k) => b.mul(s, weights[k]!));
  return b.add(
    terms.reduce((sum, term) => b.add(sum, term)),
    fitted("bias").data[0]!,
  );
}
