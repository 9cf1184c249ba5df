import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { restarted } from "./apgd.ts";
import { apgdParams } from "./apgd-params.ts";

/**
 * Auto-PGD on the difference of logits ratio (Croce and Hein 2020,
 * arXiv:2003.01690), which does not change with the scale of the logits.
 *
 * That loss needs three classes; with two it is the margin, its numerator.
 */
export const apgdDlr = defineAttack({
  id: "apgd-dlr",
  title: "APGD-DLR",
  summary:
    "Auto-PGD on the difference of logits ratio, which stays the same when all logits are multiplied.",
  caution:
    "With two classes the loss is only the margin, which the check as-published says. It runs up against one class at a time; apgd-t looks at several.",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:2003.01690",
  taxonomy: whiteBox,
  params: apgdParams,
  run(input) {
    const { classes } = input.target;
    if (classes >= 3) return restarted(input, "dlr");
    input.onNote?.(
      `apgd-dlr: the DLR loss needs 3 classes, the model has ${classes}; it was the margin`,
    );
    return restarted(input, "margin");
  },
});
