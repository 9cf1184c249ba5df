import { z } from "zod";
import { evaluate, flat, hidden } from "#model";
import { type FloatTensor, type GraphBuilder, int } from "#onnx";
import { defineDetector, detectorParams } from "../detector.ts";
import type { Fitted } from "../fit.ts";
import { weighed, weighLayers } from "./layer-scores.ts";
import { some } from "./some.ts";

/**
 * Squared distances below this are taken for it: their logarithm has to be a number.
 */
const SMALLEST = 1e-10;

/**
 * Local intrinsic dimensionality (Ma et al. 2018, arXiv:1801.02613): how fast
 * neighbours become more with distance, estimated from the k nearest of a batch of
 * training samples in the features of every layer and in the logits. The layers are
 * weighed by logistic regression on FGSM examples. The batch is drawn once, and not
 * anew for every batch of inputs as in the paper.
 */
export const lid = defineDetector({
  id: "lid",
  title: "Local intrinsic dimensionality",
  summary:
    "Rejects inputs about which neighbours grow more numerous with distance than they do about clean ones, in the features of several layers.",
  caution:
    "Its weights are learned on FGSM examples, and Athalye et al. 2018 (arXiv:1802.00420) broke it by more confident examples. One batch of 100 samples makes the estimate noisy.",
  reference: "Ma et al. 2018, arXiv:1801.02613",
  params: z.strictObject({
    ...detectorParams,
    k: z.int().min(2).default(20).describe("neighbours of the estimate"),
    batch: z
      .int()
      .min(3)
      .default(100)
      .describe("training samples among which neighbours are looked for"),
    layers: z
      .int()
      .positive()
      .default(5)
      .describe("the most layers that are looked at besides the logits"),
    eps: z
      .number()
      .positive()
      .default(0.05)
      .describe(
        "size of the FGSM examples that weigh the layers, as a share of the input range",
      ),
  }),
  gradient: "exact",
  async fit(input, { k, batch, layers, eps }) {
    const { model, engine, train, random } = input;
    const values = [...hidden(model, layers), model.logits];
    const { x } = some(train, batch, random.fork("batch"));
    const features = await evaluate(model, engine, x, (b) =>
      values.map((value) => flat(b, value)),
    );
    const found = new Map(features.map((f, i) => [`bank.${i}`, f]));
    const weights = await weighLayers(input, eps, (b) =>
      values.map((value, i) => dimensionality(b, value, i, k, found)),
    );
    return new Map([...found, ...weights]);
  },
  build(parts, { k, layers }) {
    const { b, model, logits, fitted } = parts;
    const found = { get: fitted };
    return weighed(
      parts,
      [...hidden(model, layers), logits].map((value, i) =>
        dimensionality(b, value, i, k, found),
      ),
    );
  },
});

/** -1 / mean log (r_i / r_k) over the distances r of the k nearest, [N]. */
function dimensionality(
  b: GraphBuilder,
  value: string,
  layer: number,
  k: number,
  found: Pick<Fitted, "get">,
): string {
  const bank = found.get(`bank.${layer}`) as FloatTensor;
  const count = Math.min(k, bank.dims[0] ?? k);
  const own = flat(b, value);
  const others = b.constant(bank);
  const square = (rows: string) => b.reduceSum(b.mul(rows, rows), [1], true);
  const products = b.matmul(own, b.transposeLast(others));
  const sums = b.add(square(own), b.transposeLast(square(others)));
  const squares = b.sub(sums, b.mul(products, 2));
  const safe = b.op("Max", [squares, b.scalar(SMALLEST)]);
  const [nearest = ""] = b.many(
    "TopK",
    [safe, b.ints([count])],
    { axis: int(1), largest: int(0) },
    2,
  );
  // The logarithm of a distance is half that of its square.
  const logs = b.mul(b.log(nearest), 0.5);
  const farthest = b.slice(logs, [count - 1], [count], [1]);
  const mean = b.op("ReduceMean", [b.sub(logs, farthest), b.ints([1])], {
    keepdims: int(0),
  });
  return b.div(-1, b.sub(mean, SMALLEST));
}
