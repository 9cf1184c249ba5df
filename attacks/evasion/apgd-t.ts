import { z } from "zod";
import type { FloatTensor } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { autoPgd } from "./apgd.ts";
import { apgdParams } from "./apgd-params.ts";
import { type Rivals, rivalsOf } from "./rivals.ts";

const apgdTParams = apgdParams.extend({
  loss: z
    .enum(["dlr", "ce"])
    .default("dlr")
    .describe(
      "the targeted difference of logits ratio, or the targeted cross-entropy",
    ),
  targets: z
    .int()
    .positive()
    .default(9)
    .describe(
      "the likeliest other classes, each of which is aimed at; AutoAttack takes 5 for L1",
    ),
});

type Input = AttackInput<z.output<typeof apgdTParams>>;

/**
 * Targeted Auto-PGD (Croce and Hein 2020, arXiv:2003.01690; for L1 Croce and
 * Hein 2021, arXiv:2103.01208), aimed at one class after the other, in the order
 * of the clean logits; any wrong class counts.
 *
 * The targeted DLR loss needs four classes; with fewer it is its numerator, the
 * difference of the two logits. There are never more targets than other classes.
 */
export const apgdT = defineAttack({
  id: "apgd-t",
  title: "APGD-T",
  summary:
    "Auto-PGD aimed at the likeliest wrong classes one after the other, by default on the targeted difference of logits ratio.",
  caution:
    "Classes beyond the first `targets` are never aimed at. With fewer than four classes the loss is another one than the paper's, and the check as-published says so.",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:2003.01690",
  taxonomy: whiteBox,
  params: apgdTParams,
  run: async (input) =>
    aimedPgd(input, await rivalsOf(input, input.params.targets)),
});

/** Targeted Auto-PGD at known classes of each sample. */
export async function aimedPgd(
  input: Input,
  rivals: Rivals,
): Promise<FloatTensor> {
  const { target, params, onProgress, onNote } = input;
  const { restarts } = params;
  const defined = target.classes >= 4;
  if (params.loss === "dlr" && !defined)
    onNote?.(
      `apgd-t: the targeted DLR loss needs 4 classes, the model has ${target.classes}; it was the difference of the two logits`,
    );
  const loss =
    params.loss === "ce"
      ? "cross-entropy-targeted"
      : defined
        ? "dlr-targeted"
        : "difference";
  const targets = Math.min(params.targets, target.classes - 1);
  const runs = targets * restarts;
  for (let run = 0; run < runs; run++) {
    const rank = Math.floor(run / restarts);
    await autoPgd(input, {
      ...params,
      loss,
      aims: new Map([...rivals].map(([i, classes]) => [i, classes[rank]!])),
      purpose: `target ${rank} ${run % restarts}`,
      onProgress: (share) => onProgress((run + share) / runs),
    });
  }
  return target.examples();
}
