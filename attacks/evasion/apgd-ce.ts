import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { restarted } from "./apgd.ts";
import { apgdParams } from "./apgd-params.ts";

/**
 * Auto-PGD on the cross-entropy (Croce and Hein 2020, arXiv:2003.01690; for L1
 * Croce and Hein 2021, arXiv:2103.01208).
 */
export const apgdCe = defineAttack({
  id: "apgd-ce",
  title: "APGD-CE",
  summary:
    "PGD on the cross-entropy whose step is halved where the loss stops rising, going on from the best point. There is no step size to choose.",
  caution:
    "The cross-entropy of a very sure model is 0 in single precision and has no slope: apgd-dlr and apgd-t do not depend on the scale of the logits. Against a model that draws at random set eot to 20.",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:2003.01690",
  taxonomy: whiteBox,
  params: apgdParams,
  run: (input) => restarted(input, "cross-entropy"),
});
