import { z } from "zod";
import { logitsOf } from "#model";
import { flipTaxonomy, relabelled } from "./flips.ts";
import { definePoisoning, poisoningParams } from "./poisoning.ts";

/**
 * The flips that raise the loss of a surrogate most: a sample's label is worth log
 * p(own) - log p(other), so the surest samples get the class that they are least
 * like, the most valuable first (the step of ALFA, Xiao, Xiao and Eckert 2012, that
 * picks labels for a fixed classifier). The paper goes back and forth between
 * picking and training. This takes the first round, from a surrogate that was tuned
 * on the clean labels.
 */
export const labelFlipConfusing = definePoisoning({
  id: "label-flip-confusing",
  title: "Label flips that raise a surrogate's loss most",
  summary:
    "Flips the labels that raise the loss of the attacker's own model most, the surest samples first.",
  caution:
    "It takes one round where the paper goes back and forth, so it is a bound from below of what such a poisoner does. What it picks is mostly what filters by neighbours look for.",
  reference:
    "Xiao, Xiao and Eckert 2012, Adversarial label flips attack on support vector machines, ECAI",
  taxonomy: flipTaxonomy,
  threat:
    "writes labels of some fine-tuning samples; holds the base and the clean set, and tunes a model at home",
  params: z.strictObject({ ...poisoningParams }),
  async poison({ train, count, engine, surrogate }) {
    const { data } = await logitsOf(await surrogate(), train.x, engine);
    const classes = train.classes.length;
    const best = Array.from(train.y, (own, row) => {
      const logit = (k: number) => data[row * classes + k]!;
      const others = train.classes.map((_, k) => k).filter((k) => k !== own);
      const to = others.reduce((a, b) => (logit(b) < logit(a) ? b : a));
      // The logarithm of the sum is the same for both.
      return { row, to, gain: logit(own) - logit(to) };
    }).sort((a, b) => b.gain - a.gain || a.row - b.row);
    const chosen = best.slice(0, count);
    const to = new Map(chosen.map((c) => [c.row, c.to]));
    return relabelled(
      train,
      chosen.map((c) => c.row),
      (row) => to.get(row) as number,
    );
  },
});
