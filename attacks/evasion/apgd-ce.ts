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
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:2003.01690",
  taxonomy: whiteBox,
  params: apgdParams,
  run: (input) => restarted(input, "cross-entropy"),
});
