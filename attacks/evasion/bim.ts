import { z } from "zod";
import { defineAttack } from "../attack.ts";
import { pgd } from "./pgd.ts";

/**
 * The basic iterative method (Kurakin et al. 2017, arXiv:1607.02533): FGSM in steps,
 * from the sample itself. The paper takes steps of one grey level, as many as eps has
 * plus 4. The defaults are those of its later use on any eps, ten steps of a tenth
 * (Dong et al. 2018).
 */
export const bim = defineAttack({
  id: "bim",
  title: "BIM",
  summary:
    "FGSM in small steps from the sample itself, each projected back into the ball.",
  caution:
    "It draws nothing at random, so it has no second try where the loss is flat at the sample. PGD with restarts or AutoAttack says more.",
  access: "gradient",
  family: "iterative",
  norms: ["linf"],
  reference: "Kurakin et al. 2017, arXiv:1607.02533",
  taxonomy: pgd.taxonomy,
  params: z.strictObject({
    steps: z.int().positive().default(10).describe("steps of the ascent"),
    relStepSize: z
      .number()
      .positive()
      .default(0.1)
      .describe("step size as a share of eps"),
  }),
  run: (input) =>
    pgd.run({
      ...input,
      params: pgd.params.parse({ ...input.params, randomStart: false }),
    }),
});
