import { z } from "zod";
import { takeRows } from "#onnx";
import { aimsOf, defineAttack, targetedParam } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";

/**
 * Fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): one
 * step of size eps along the sign of the loss gradient; for L2 along the
 * gradient itself.
 */
export const fgsm = defineAttack({
  id: "fgsm",
  title: "FGSM",
  summary:
    "One step of length eps along the sign of the loss gradient, in L2 along the gradient itself. It is the cheapest attack, and what attacks of many steps have to beat.",
  caution:
    "Never as a measure of robustness: a model with masked gradients, or one that was trained on single steps, may withstand it and fall to PGD. More budget need not break more, since one long step overshoots.",
  access: "gradient",
  family: "single-step",
  norms: ["linf", "l2"],
  reference: "Goodfellow et al. 2015, arXiv:1412.6572",
  taxonomy: whiteBox,
  params: z.strictObject({ targeted: targetedParam }),
  async run(input) {
    const { target, x, ball, params, onProgress } = input;
    onProgress(0);
    const aims = await aimsOf(params.targeted, input);
    // One query for the gradient, and one to see where it leads.
    const open = target.open(2);
    if (open.length === 0) return target.examples();
    const from = takeRows(x, open);
    const { gradient } = await target.lossGradient(from, open, {
      labels: aims ? open.map((i) => aims[i]!) : undefined,
    });
    const step = ball.ascend(from, gradient, aims ? -ball.eps : ball.eps);
    const left = new Set(target.open());
    const places = [...open.keys()].filter((k) => left.has(open[k]!));
    await target.predict(
      takeRows(ball.project(from, step), places),
      places.map((k) => open[k]!),
    );
    return target.examples();
  },
});
