import { AssayError } from "#core";
import type { Architecture } from "./architecture.ts";
import { dense, network } from "./network.ts";

/** Widths of the hidden layers. */
const HIDDEN = [64, 64];

/**
 * A perceptron for rows of a table: two hidden layers of 64 with ReLU. Weights
 * are drawn as He et al. 2015 (arXiv:1502.01852).
 */
export const mlp: Architecture = {
  id: "mlp",
  title: "Perceptron for tables",
  summary: "A perceptron with two hidden layers, for rows of a table.",
  caution:
    "Columns should be scaled alike, as the data readers do; it knows nothing of images.",
  build(shape, classes, random) {
    const [width] = shape;
    if (shape.length !== 1 || !width)
      throw new AssayError(
        "ARCHITECTURE_INPUT",
        `mlp needs rows of a table, the data has shape [${shape.join(", ")}]`,
        "Give another base.pretrain.architecture, or a base model.",
      );
    return network("mlp", shape, classes, (b, input) => {
      let x = input;
      let from = width;
      for (const [i, to] of HIDDEN.entries()) {
        const layer = dense(b, x, `hidden${i + 1}`, [from, to], random);
        x = b.op("Relu", [layer], {}, `relu${i + 1}`);
        from = to;
      }
      return dense(b, x, "head", [from, classes.length], random);
    });
  },
};
