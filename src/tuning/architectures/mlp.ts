import { AssayError, type Random } from "#core";
import type { Model } from "#model";
import { emptyGraph, floats, GraphBuilder, int } from "#onnx";
import type { Architecture } from "./architecture.ts";

/** Widths of the hidden layers. */
const HIDDEN = [64, 64];

/**
 * A perceptron for rows of a table: two hidden layers of 64 with ReLU. Weights
 * are drawn as He et al. 2015 (arXiv:1502.01852).
 */
export const mlp: Architecture = {
  id: "mlp",
  title: "Perceptron for tables",
  build(shape, classes, random) {
    const [width] = shape;
    if (shape.length !== 1 || !width)
      throw new AssayError(
        "ARCHITECTURE_INPUT",
        `mlp needs rows of a table, the data has shape [${shape.join(", ")}]`,
        "Give another base.pretrain.architecture, or a base model.",
      );
    const b = new GraphBuilder(emptyGraph("mlp"));
    const input = b.input({
      name: "input",
      type: "float32",
      dims: ["batch", width],
    });
    let x = input;
    let from = width;
    for (const [i, to] of HIDDEN.entries()) {
      const layer = dense(b, x, `hidden${i + 1}`, [from, to], random);
      x = b.op("Relu", [layer], {}, `relu${i + 1}`);
      from = to;
    }
    const logits = dense(b, x, "head", [from, classes.length], random);
    const model: Model = {
      graph: b.build([logits]),
      input,
      logits,
      contract: { shape, bounds: [0, 1] },
      classes,
      straightThrough: [],
    };
    return model;
  },
};

function dense(
  b: GraphBuilder,
  x: string,
  name: string,
  [from, to]: readonly [number, number],
  random: Random,
): string {
  const deviation = Math.sqrt(2 / from);
  const drawn = Float32Array.from(
    { length: from * to },
    () => random.normal() * deviation,
  );
  const weight = b.constant(floats([to, from], drawn), `${name}.weight`);
  const zeros = floats([to], new Float32Array(to));
  const bias = b.constant(zeros, `${name}.bias`);
  return b.op("Gemm", [x, weight, bias], { transB: int(1) }, name);
}
