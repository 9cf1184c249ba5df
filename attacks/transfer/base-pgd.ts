import { argmaxRows } from "#model";
import { defineAttack } from "../attack.ts";
import { pgdParams } from "../evasion/pgd.ts";
import { surrogateNeeds, surrogateParam, throughBase } from "./surrogate.ts";

/**
 * PGD on the public base, replayed on the candidate: the attacker holds the
 * pre-trained model with its own head and never queries the candidate (output
 * transfer, as in Papernot et al. 2016, arXiv:1605.07277, with the PGD of
 * Madry et al. 2018). The base has other classes, so the attack leads each
 * sample away from the class that the base sees in it. No step is left out:
 * without queries nobody knows when a sample is broken.
 */
export const basePgd = defineAttack({
  id: "base-pgd",
  title: "PGD through the base",
  summary:
    "PGD on the public base, replayed on the candidate: what an attacker gets who holds the base and never asks the candidate.",
  caution:
    "A high number is no robustness against who has the candidate or may ask it. It never looks at a defence, so a defence under this attack alone is not evaluated. Compare with `surrogate: unrelated`.",
  access: "base",
  needsFor: surrogateNeeds,
  family: "transfer",
  norms: ["linf", "l2", "l1"],
  reference: "Papernot et al. 2016, arXiv:1605.07277",
  taxonomy: throughBase,
  params: pgdParams
    .pick({ steps: true, relStepSize: true, randomStart: true })
    .extend({ surrogate: surrogateParam }),
  async run({ target, x, ball, params, random, onProgress }) {
    const { base } = target;
    const all = Array.from({ length: x.dims[0] ?? 0 }, (_, i) => i);
    const labels = argmaxRows(await base.scores(x, all));
    let tries = params.randomStart ? ball.randomPoint(x, random) : x;
    for (let step = 0; step < params.steps; step++) {
      onProgress(step / params.steps);
      const { gradient } = await base.lossGradient(tries, all, { labels });
      tries = ball.project(
        x,
        ball.ascend(tries, gradient, ball.eps * params.relStepSize),
      );
    }
    return tries;
  },
});
