import { z } from "zod";
import { evaluate, flat, penultimate } from "#model";
import { type FloatTensor, type GraphBuilder, int } from "#onnx";
import { defineDetector, detectorParams } from "../detector.ts";
import { some } from "./some.ts";

/**
 * Deep nearest neighbours (Sun et al. 2022, arXiv:2204.06507): the distance to
 * the k-th nearest training sample, between penultimate features of length 1.
 * The score is the squared distance, which has a gradient at 0 as well. k = 50
 * is the paper's for CIFAR-10.
 */
export const knn = defineDetector({
  id: "knn",
  title: "Deep nearest neighbours",
  summary:
    "Rejects inputs whose features are far from those of every training sample.",
  caution:
    "The nearest neighbours change along an attack, so its gradient is of the neighbours of the moment. With a small `bank` clean samples seem far too, and the threshold lets more through.",
  reference: "Sun et al. 2022, arXiv:2204.06507",
  params: z.strictObject({
    ...detectorParams,
    k: z
      .int()
      .positive()
      .default(50)
      .describe("which nearest training sample the distance is taken to"),
    bank: z
      .int()
      .positive()
      .default(5000)
      .describe(
        "the most training samples that are kept, evenly over the classes",
      ),
  }),
  gradient: "exact",
  async fit({ model, engine, train, random }, { bank }) {
    const { x } = some(train, bank, random.fork("bank"));
    const [features] = await evaluate(model, engine, x, (b) => [
      ofLengthOne(b, flat(b, penultimate(model))),
    ]);
    return new Map([["bank", features as FloatTensor]]);
  },
  build({ b, model, fitted }, { k }) {
    const bank = fitted("bank");
    const own = ofLengthOne(b, flat(b, penultimate(model)));
    const closeness = b.matmul(own, b.transposeLast(b.constant(bank)));
    const rank = Math.min(k, bank.dims[0] ?? k);
    const [nearest = ""] = b.many(
      "TopK",
      [closeness, b.ints([rank])],
      { axis: int(1) },
      2,
    );
    const kth = b.squeeze(b.slice(nearest, [rank - 1], [rank], [1]), [1]);
    return b.sub(2, b.mul(kth, 2));
  },
});

/** Rows divided by their length. */
function ofLengthOne(b: GraphBuilder, rows: string): string {
  const square = b.reduceSum(b.mul(rows, rows), [1], true);
  return b.div(rows, b.sqrt(b.add(square, 1e-12)));
}
