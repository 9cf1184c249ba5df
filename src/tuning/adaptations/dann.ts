import { z } from "zod";
import type { Random } from "#core";
import { floats } from "#onnx";
import type { LossGraph } from "../part.ts";
import { mean } from "../terms.ts";
import { besideTarget, defineJoint, TARGET } from "./adaptation.ts";
import { featuresOf } from "./features.ts";

/**
 * Domain-adversarial training (DANN, Ganin et al. 2016, arXiv:1505.07818): a
 * discriminator with one hidden layer learns to tell the domains apart by the
 * features in front of the head, and the features learn to deceive it, by a
 * reversed gradient. Its weight rises as 2 / (1 + exp(-10 p)) - 1 over the share p
 * of the training. The hidden layer of 100 is the paper's for digits.
 */
export const dann = defineJoint({
  id: "dann",
  title: "Domain-adversarial training (DANN)",
  summary:
    "Trains on the labelled source and against a discriminator that tells the domains apart by the features.",
  caution:
    "Training against an adversary may not settle: look at the curve of its loss. Domains that cannot be told apart may still have their classes exchanged.",
  reference: "Ganin et al. 2016, arXiv:1505.07818",
  params: z.strictObject({
    lambda: z
      .number()
      .nonnegative()
      .default(1)
      .describe("weight beside the loss on the source"),
    hidden: z
      .int()
      .positive()
      .default(100)
      .describe("width of the hidden layer of the discriminator"),
    gamma: z
      .number()
      .positive()
      .default(10)
      .describe("how fast the weight rises"),
  }),
  open({ lambda, hidden, gamma }, { random }, target) {
    const beside = besideTarget(target);
    return {
      views: [TARGET],
      prepare(batch, moment) {
        const reversal =
          lambda * (2 / (1 + Math.exp(-gamma * moment.progress)) - 1);
        const ready = beside(batch, moment);
        return { ...ready, feeds: { ...ready.feeds, "DANN weight": reversal } };
      },
      loss(g, loss) {
        const { source, target: other, width } = featuresOf(g);
        const weight = g.scalar("DANN weight");
        const discriminate = discriminator(g, width, hidden, random);
        const { b } = g;
        const reversed = (rows: string) =>
          g.withGradientOf(rows, b.mul(b.neg(rows), weight));
        // Logistic loss: softplus(-d) of the source, softplus(d) of the target.
        const ofSource = b.op("Softplus", [
          b.neg(discriminate(reversed(source))),
        ]);
        const ofTarget = b.op("Softplus", [discriminate(reversed(other))]);
        const domain = b.mul(b.add(mean(b, ofSource), mean(b, ofTarget)), 0.5);
        g.record("domain loss", domain);
        return b.add(loss, domain);
      },
    };
  },
});

/** Logit of being of the source, [N, 1], of rows [N, width]. */
function discriminator(
  g: LossGraph,
  width: number,
  hidden: number,
  random: Random,
): (rows: string) => string {
  const drawn = (to: number, from: number) =>
    floats(
      [to, from],
      Float32Array.from(
        { length: to * from },
        () => (2 * random.uniform() - 1) / Math.sqrt(from),
      ),
    );
  const none = (n: number) => floats([n], new Float32Array(n));
  const first = g.parameter("domain.weight1", drawn(width, hidden));
  const firstBias = g.parameter("domain.bias1", none(hidden));
  const second = g.parameter("domain.weight2", drawn(hidden, 1));
  const secondBias = g.parameter("domain.bias2", none(1));
  const { b } = g;
  return (rows) => {
    const inner = b.op("Relu", [
      b.add(b.op("MatMul", [rows, first]), firstBias),
    ]);
    return b.add(b.op("MatMul", [inner, second]), secondBias);
  };
}
