import { type GraphBuilder, int } from "#onnx";
import { defineDistance } from "./distance.ts";

/**
 * Deep CORAL (Sun and Saenko 2016, arXiv:1607.01719): the loss on the source plus
 * lambda times the distance between the covariances of both domains' features in
 * front of the head, ||C_S - C_T||_F^2 / (4 d^2).
 */
export const coral = defineDistance(
  {
    id: "coral",
    title: "Deep CORAL",
    summary:
      "Trains on the labelled source and makes the covariances of both domains' features alike.",
    caution:
      "Only second moments are made alike, so domains may still lie apart. Where the classes are as frequent in one domain and not in the other, making features alike does harm.",
    reference: "Sun and Saenko 2016, arXiv:1607.01719",
  },
  "CORAL",
  ({ b }, { source, target, width }) => {
    const apart = b.sub(covariance(b, source), covariance(b, target));
    const squares = b.reduceSum(b.mul(apart, apart), [0, 1]);
    return b.mul(squares, 1 / (4 * width ** 2));
  },
);

/** Of rows [N, d], over N - 1: [d, d]. */
function covariance(b: GraphBuilder, rows: string): string {
  const mean = b.op("ReduceMean", [rows, b.ints([0])], { keepdims: int(1) });
  const centred = b.sub(rows, mean);
  const product = b.op("MatMul", [b.transpose(centred, [1, 0]), centred]);
  return b.div(product, b.op("Max", [b.sub(countOf(b, rows), 1), b.scalar(1)]));
}

/** How many rows there are, as a float. */
export const countOf = (b: GraphBuilder, rows: string): string =>
  b.cast(
    b.squeeze(b.op("Shape", [rows], { start: int(0), end: int(1) }), [0]),
    "float32",
  );
