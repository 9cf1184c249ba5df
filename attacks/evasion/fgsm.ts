import { z } from "zod";
import { aimsOf, defineAttack, targetedParam } from "../attack.ts";

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
  async run(input) {
    const { target, x, y, ball, params, onProgress } = input;
    onProgress(0);
    const aims = await aimsOf(params.targeted, input);
    const all = Array.from(y.keys());
    const { gradient } = await target.lossGradient(x, all, {
      labels: aims ?? undefined,
    });
    const step = ball.ascend(x, gradient, aims ? -ball.eps : ball.eps);
    await target.predict(ball.project(x, step), all);
    return target.examples();
  },
});
