import { z } from "zod";
import type { FloatTensor } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { apgdCe } from "./apgd-ce.ts";
import { apgdDlr } from "./apgd-dlr.ts";
import { apgdParams } from "./apgd-params.ts";
import { aimedPgd, apgdT } from "./apgd-t.ts";
import { fab } from "./fab.ts";
import { aimedFab, fabT } from "./fab-t.ts";
import { rivalsOf } from "./rivals.ts";
import { canSearch, square } from "./square.ts";

const autoattackParams = z.strictObject({
  version: z.enum(["standard", "plus", "rand"]).default("standard"),
  /** Steps of each run of APGD and FAB. */
  steps: z.int().positive().default(100),
  /** The most restarts of a member; null for those of the version. */
  restarts: z.int().positive().nullable().default(null),
  /** Calls that `rand` averages each gradient over. */
  eot: z.int().positive().default(20),
  /** Queries of Square. */
  queries: z.int().positive().default(5000),
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
 * and say so; Square in L2 and L1 needs images.
 */
export const autoattack = defineAttack({
  id: "autoattack",
  title: "AutoAttack",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:2003.01690",
  taxonomy: whiteBox,
  params: autoattackParams,
  draws: ({ version, eot }) => (version === "rand" ? eot : 1),
  searches: ({ version }) => version !== "rand",
  async run(input) {
    const members = membersOf(input);
    const total = members.reduce((sum, { cost }) => sum + cost, 0);
    let done = 0;
    for (const { cost, run } of members) {
      if (input.target.open().length === 0) break;
      const from = done;
      await run({
        onProgress: (share) => input.onProgress((from + share * cost) / total),
      });
      done += cost;
    }
    return input.target.examples();
  },
});

interface Member {
  /** About how many passes it makes. */
  readonly cost: number;
  run(member: Pick<Input, "onProgress">): Promise<FloatTensor>;
}

function membersOf(input: Input): Member[] {
  const { ball, target, params } = input;
  const { version, steps, queries } = params;
  const most = params.restarts ?? Number.POSITIVE_INFINITY;
  const many = Math.min(most, version === "plus" ? 5 : 1);
  const eot = version === "rand" ? params.eot : 1;
  const targets = ball.norm === "l1" ? 5 : 9;
  const rivals = once(() => rivalsOf(input, 9));

  const climb = (attack: typeof apgdCe, restarts: number): Member => ({
    cost: 3 * restarts * steps * eot,
    run: (member) =>
      attack.run({
        ...input,
        ...member,
        params: apgdParams.parse({ steps, restarts, eot }),
      }),
  });
  const ce = climb(apgdCe, ball.norm === "l1" ? Math.min(most, 5) : many);
  const dlr = climb(apgdDlr, many);
  const aimedClimbs: Member = {
    cost: 3 * Math.min(targets, target.classes - 1) * steps,
    run: async (member) =>
      aimedPgd(
        { ...input, ...member, params: apgdT.params.parse({ steps, targets }) },
        await rivals(),
      ),
  };
  const walks: Member = {
    cost: 4 * many * steps * (target.classes - 1),
    run: (member) =>
      fab.run({
        ...input,
        ...member,
        params: fab.params.parse({ steps, restarts: many }),
      }),
  };
  const aimedWalks: Member = {
    cost: 4 * many * steps * Math.min(9, target.classes - 1),
    run: async (member) =>
      aimedFab(
        {
          ...input,
          ...member,
          params: fabT.params.parse({ steps, restarts: many }),
        },
        await rivals(),
      ),
  };
  const search: Member = {
    cost: queries,
    run: (member) =>
      square.run({
        ...input,
        ...member,
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
