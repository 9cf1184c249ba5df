import { z } from "zod";
import { atMoved, defineTrainingDefense, lengthOf } from "#tuning";

/**
 * Adversarial weight perturbation (Wu et al. 2020, arXiv:2004.05884): the
 * gradient is taken where every matrix and kernel has moved by `gamma` of its
 * own length in the direction in which the loss of the batch rises, and moves the
 * weights from where they were. Beside `pgd-at` it is AT-AWP, beside `trades`
 * TRADES-AWP (for which the authors take gamma 0.005).
 */
export const awp = defineTrainingDefense({
  id: "awp",
  title: "Adversarial weight perturbation",
  summary:
    "Takes the gradient where weights have moved a little in the direction that raises the loss, so that robustness does not hang on single weights.",
  caution:
    "Alone it makes nothing robust to inputs: list it beside pgd-at or trades. A large gamma keeps the model from learning at all.",
  reference: "Wu et al. 2020, arXiv:2004.05884",
  manyTasks: true,
  params: z.strictObject({
    gamma: z
      .number()
      .positive()
      .default(0.01)
      .describe("how far weights move, as a share of their own length"),
  }),
  open: ({ gamma }) => ({
    async gradient(batch, at, weights) {
      const { gradients } = await at(batch);
      return atMoved(
        weights,
        (name, { dims, data }) => {
          const slope = gradients.get(name);
          // Biases and scales stay, as in the authors' code.
          if (dims.length < 2 || !slope) return;
          const size = (gamma * lengthOf(data)) / (lengthOf(slope) + 1e-20);
          for (let i = 0; i < data.length; i++)
            data[i] = data[i]! + size * slope[i]!;
        },
        () => at(batch),
      );
    },
  }),
});
