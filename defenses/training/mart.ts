import { z } from "zod";
import {
  defineTrainingDefense,
  klDivergence,
  likeliestOther,
  mean,
  probabilityOf,
} from "#tuning";
import { ascentParams, climb, judgeBy } from "./ascent.ts";
import { ADVERSARIAL, beside, nextTo, requireClasses } from "./beside.ts";

/**
 * MART (Wang et al. 2020, "Improving adversarial robustness requires revisiting
 * misclassified examples", ICLR): the boosted cross-entropy of PGD examples,
 * CE(p') - log(1.0001 - max of the other p'), plus `beta` times the divergence
 * of their predictions from the clean ones, weighted by 1 - p_y of the clean
 * sample. Defaults are those of the authors' code on CIFAR-10.
 */
export const mart = defineTrainingDefense({
  id: "mart",
  needs: ["one class"],
  title: "MART",
  summary:
    "Trains on a boosted loss of PGD examples, and on how far they differ from clean predictions where the model is in doubt.",
  caution:
    "Plain PGD flatters it: its robustness under stronger attacks is further below than that of other defences, so judge it by AutoAttack. Clean accuracy suffers where beta is large.",
  reference: "Wang et al. 2020, ICLR, openreview rklOg6EFwS",
  makesExamples: true,
  isAlone: () => true,
  params: z.strictObject({
    ...ascentParams({ eps: 0.031, steps: 10, relStepSize: 0.007 / 0.031 }),
    beta: z
      .number()
      .nonnegative()
      .default(6)
      .describe("weight of the divergence from clean predictions"),
  }),
  open({ beta, ...ascent }, { model }) {
    requireClasses(model, "MART");
    return {
      views: [ADVERSARIAL],
      async prepare(batch, moment) {
        const start = nextTo(batch.x, moment, ascent);
        return beside(batch, await climb(batch, moment, ascent, { start }));
      },
      judge: judgeBy(ascent),
      loss(g) {
        const { b, labels } = g;
        const { logits } = g.model;
        const [clean, adversarial] = [
          g.rows(logits),
          g.rows(logits, ADVERSARIAL),
        ];
        const other = likeliestOther(b, adversarial, labels);
        const boosted = b.sub(
          g.each(ADVERSARIAL),
          b.log(b.sub(1.0001 + 1e-12, other)),
        );
        const unsure = b.sub(1.0000001, probabilityOf(b, clean, labels));
        const apart = b.mul(klDivergence(b, clean, adversarial), unsure);
        return b.add(mean(b, boosted), b.mul(mean(b, apart), beta));
      },
    };
  },
});
