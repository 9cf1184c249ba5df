import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { capgdParams, constrainedPgd } from "./capgd.ts";
import { evolve, moevaParams } from "./moeva.ts";

/**
 * Constrained adaptive attack (Simonetto et al. 2024, arXiv:2406.00775): CAPGD,
 * and MOEVA on the rows that it leaves standing.
 */
export const caa = defineAttack({
  id: "caa",
  title: "CAA",
  access: "gradient",
  family: "iterative",
  norms: ["l2", "linf"],
  reference: "Simonetto et al. 2024, arXiv:2406.00775",
  taxonomy: whiteBox,
  params: capgdParams.extend(moevaParams.shape),
  async run(input) {
    // The search takes nearly all of the time.
    await constrainedPgd(input, (share) => input.onProgress(0.1 * share));
    await evolve(input, (share) => input.onProgress(0.1 + 0.9 * share));
    return input.target.examples();
  },
});
