import { z } from "zod";
import { type AttackInput, defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { apgdCe } from "./apgd-ce.ts";
import { apgdDlr } from "./apgd-dlr.ts";
import { apgdParams } from "./apgd-params.ts";
import { aimedPgd, apgdT } from "./apgd-t.ts";
import { fab } from "./fab.ts";
import { aimedFab, fabT } from "./fab-t.ts";
import { type Member, runParts } from "./parts.ts";
import { rivalsOf } from "./rivals.ts";
import { canSearch, square } from "./square.ts";

const autoattackParams = z.strictObject({
  version: z
    .enum(["standard", "plus", "rand"])
    .default("standard")
    .describe(
      "standard; plus, with more members and restarts; or rand, for models that draw at random",
    ),
  steps: z
    .int()
    .positive()
    .default(100)
    .describe("steps of each run of APGD and FAB"),
  restarts: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("the most restarts of a member; null for those of the version"),
  eot: z
    .int()
    .positive()
    .default(20)
    .describe("calls that `rand` averages each gradient over"),
  queries: z.int().positive().default(5000).describe("queries of Square"),
});

type Params = z.output<typeof autoattackParams>;
type Input = AttackInput<Params>;

/**
 * AutoAttack (Croce and Hein 2020, arXiv:2003.01690; for L1 Croce and Hein
 * 2021, arXiv:2103.01208): one attack after the other over the samples that
 * still stand.
 *
 * - `standard`: APGD-CE, targeted APGD-DLR, FAB-T and Square;
 * - `plus`: untargeted APGD-DLR and FAB as well, with five restarts;
 * - `rand`, for models that draw at random: APGD-CE and APGD-DLR, whose
 *   gradients are means over 20 calls (`eot`).
 *
 * With fewer classes than a loss needs the members take one that is defined,
 * and say so; Square in L2 and L1 needs images. Where the model has no gradient, only
 * Square runs.
 */
export const autoattack = defineAttack({
  id: "autoattack",
  title: "AutoAttack",
  summary:
    "APGD-CE, APGD-T, FAB-T and Square, each on the samples that those before left standing: the standard number of the field. `plus` adds APGD-DLR and FAB; `rand` is for models that draw at random.",
  caution:
    "It knows nothing of a particular defence: one that hides its gradients and withstands searches may still fall to an attack made for it. `standard` overstates a model that draws at random; take `rand`. In L2 and L1 Square takes part only on images.",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:2003.01690",
  taxonomy: whiteBox,
  params: autoattackParams,
  draws: ({ version, eot }) => (version === "rand" ? eot : 1),
  async run(input) {
    await runParts("autoattack", input, membersOf(input));
    return input.target.examples();
  },
});

function membersOf(input: Input): Member[] {
  const { ball, target, params } = input;
  const { version, steps, queries } = params;
  const most = params.restarts ?? Number.POSITIVE_INFINITY;
  const many = Math.min(most, version === "plus" ? 5 : 1);
  const eot = version === "rand" ? params.eot : 1;
  const targets = ball.norm === "l1" ? 5 : 9;
  const rivals = once(() => rivalsOf(input, 9));

  const climb = (attack: typeof apgdCe, restarts: number): Member => ({
    ...attack,
    cost: 3 * restarts * steps * eot,
    run: (told) =>
      attack.run({
        ...input,
        ...told,
        params: apgdParams.parse({ steps, restarts, eot }),
      }),
  });
  const ce = climb(apgdCe, ball.norm === "l1" ? Math.min(most, 5) : many);
  const dlr = climb(apgdDlr, many);
  const aimedClimbs: Member = {
    ...apgdT,
    cost: 3 * Math.min(targets, target.classes - 1) * steps,
    run: async (told) =>
      aimedPgd(
        {
          ...input,
          ...told,
          params: apgdT.params.parse({ steps, targets }),
        },
        await rivals(),
      ),
  };
  const walks: Member = {
    ...fab,
    cost: 4 * many * steps * (target.classes - 1),
    run: (told) =>
      fab.run({
        ...input,
        ...told,
        params: fab.params.parse({ steps, restarts: many }),
      }),
  };
  const aimedWalks: Member = {
    ...fabT,
    cost: 4 * many * steps * Math.min(9, target.classes - 1),
    run: async (told) =>
      aimedFab(
        {
          ...input,
          ...told,
          params: fabT.params.parse({ steps, restarts: many }),
        },
        await rivals(),
      ),
  };
  const search: Member = {
    ...square,
    cost: queries,
    run: (told) =>
      square.run({
        ...input,
        ...told,
        // It sees no more than on its own.
        target: target.within(square.access),
        params: square.params.parse({ queries }),
      }),
  };
  const searches = canSearch(input) ? [search] : [];
  if (version !== "rand" && searches.length === 0)
    input.onNote?.(
      "autoattack: Square in L2 and L1 needs images of at least 5x5 pixels; it was left out",
    );
  return {
    standard: [ce, aimedClimbs, aimedWalks, ...searches],
    plus: [ce, dlr, walks, ...searches, aimedClimbs, aimedWalks],
    rand: [ce, dlr],
  }[version];
}

/** Asks only when it is needed, and once. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
