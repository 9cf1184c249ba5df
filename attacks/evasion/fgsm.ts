import { z } from "zod";
import { chooseTargets, defineAttack, targetedParam } from "../attack.ts";

/**
 * Fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): one
 * step of size eps along the sign of the loss gradient; for L2 along the
 * gradient itself.
 */
export const fgsm = defineAttack({
  id: "fgsm",
  title: "FGSM",
  access: "gradient",
  family: "single-step",
  norms: ["linf", "l2"],
  reference: "Goodfellow et al. 2015, arXiv:1412.6572",
  taxonomy: {
    atlas: ["AML.T0043.000", "AML.T0015"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  params: z.strictObject({ targeted: targetedParam }),
  async run({ target, x, y, ball, params, random, onProgress }) {
    onProgress(0);
    if (params.targeted === "none") {
      const { gradient } = await target.lossGradient(x, y);
      return ball.project(x, ball.ascend(x, gradient, ball.eps));
    }
    const aims = chooseTargets(
      params.targeted,
      await target.scores(x),
      y,
      random,
    );
    const { gradient } = await target.lossGradient(x, aims);
    return ball.project(x, ball.ascend(x, gradient, -ball.eps));
  },
});
