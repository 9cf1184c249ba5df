import { z } from "zod";
import { floats, putRows, takeRows } from "#onnx";
import type { Inversion } from "./inversion.ts";

const params = z.strictObject({
  steps: z
    .int()
    .positive()
    .default(10_000)
    .describe("the most steps for a class"),
  learningRate: z
    .number()
    .positive()
    .default(0.1)
    .describe("size of a step of gradient descent"),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .default(0.99)
    .describe("a class is done at this probability"),
  window: z
    .int()
    .positive()
    .default(100)
    .describe(
      "a class is done when the cost is not below that of so many steps before",
    ),
});

/**
 * MI-Face (Fredrikson et al. 2015, CCS): gradient descent on 1 - p_t from a grey image,
 * for each class t. The best step is kept. The paper's processing of images between
 * steps, meant for its autoencoder, is left out. Defaults are those of the Adversarial
 * Robustness Toolbox.
 */
export const miFace: Inversion<typeof params> = {
  id: "mi-face",
  title: "Model inversion (MI-Face)",
  summary:
    "Makes an image of each class by descent on its probability, from the weights alone; another network says whether the image shows the class.",
  caution:
    "Being sure of it costs an image little: only what the other network recognises, and more than behind an untrained head, counts. A class of many looks has no one image, and failure there is no privacy.",
  kind: "inversion",
  reference:
    "Fredrikson, Jha and Ristenpart 2015, Model inversion attacks that exploit confidence information, CCS",
  taxonomy: {
    atlas: ["AML.T0024.001"],
    owasp: ["ML03:2023"],
    nist: ["NISTAML.032"],
  },
  threat: "has the released weights and no data",
  needs: ["one class", "numbers", "gradient"],
  params,
  async invert({ model, params, onProgress }) {
    const { contract, classes } = model.model;
    const [low, high] = contract.bounds;
    const width = contract.shape.reduce((p, d) => p * d, 1);
    const dims = [classes.length, ...contract.shape];
    const grey = new Float32Array(classes.length * width);
    grey.fill((low + high) / 2);
    const x = floats(dims, grey);
    const best = floats(dims, grey.slice());
    const costs = classes.map((): number[] => []);
    const lowest = classes.map(() => Number.POSITIVE_INFINITY);
    let open = Array.from(classes.keys());
    for (let step = 0; step < params.steps && open.length > 0; step++) {
      const now = takeRows(x, open);
      const { loss, gradient } = await model.lossGradient(now, open);
      const moved = floats(now.dims, now.data.slice());
      const left: number[] = [];
      for (const [row, label] of open.entries()) {
        const p = Math.exp(-loss[row]!);
        const past = costs[label]!;
        if (1 - p < lowest[label]!) {
          lowest[label] = 1 - p;
          putRows(best, [label], takeRows(now, [row]));
        }
        const recent = past.slice(-params.window);
        const stuck =
          recent.length === params.window && 1 - p >= Math.max(...recent);
        past.push(1 - p);
        if (p < params.threshold && !stuck) left.push(label);
        // The gradient of 1 - p is p times that of -log p.
        for (let k = row * width; k < (row + 1) * width; k++)
          moved.data[k] = Math.min(
            high,
            Math.max(
              low,
              now.data[k]! - params.learningRate * p * gradient.data[k]!,
            ),
          );
      }
      putRows(x, open, moved);
      open = left;
      if (step % 100 === 0) onProgress(step / params.steps);
    }
    return best;
  },
};
