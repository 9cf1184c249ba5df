import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { capgd, capgdParams, constrainedPgd } from "./capgd.ts";
import { evolve, moeva, moevaParams } from "./moeva.ts";
import { runParts } from "./parts.ts";

/**
 * Constrained adaptive attack (Simonetto et al. 2024, arXiv:2406.00775): CAPGD,
 * and MOEVA on the rows that it leaves standing.
 */
export const caa = defineAttack({
  id: "caa",
  title: "CAA",
  summary:
    "CAPGD on every row of a table, and MOEVA on the rows that it leaves standing: the standard attack where columns have constraints.",
  caution:
    "The number holds for the constraints that are stated: one that is missing admits rows that cannot be, and one too many hides rows that can. Where generations are few, run moeva with more.",
  access: "gradient",
  family: "iterative",
  norms: ["l2", "linf"],
  reference: "Simonetto et al. 2024, arXiv:2406.00775",
  taxonomy: whiteBox,
  params: capgdParams.extend(moevaParams.shape),
  async run(input) {
    await runParts("caa", input, [
      {
        ...capgd,
        cost: 1,
        run: ({ onProgress }) => constrainedPgd(input, onProgress),
      },
      // The search takes nearly all of the time.
      { ...moeva, cost: 9, run: ({ onProgress }) => evolve(input, onProgress) },
    ]);
    return input.target.examples();
  },
});
