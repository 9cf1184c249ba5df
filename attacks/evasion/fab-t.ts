import { z } from "zod";
import type { FloatTensor } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { fabParams, fabWalk } from "./fab-walk.ts";
import { type Rivals, rivalsOf } from "./rivals.ts";

const fabTParams = fabParams.extend({
  targets: z
    .int()
    .positive()
    .default(9)
    .describe(
      "the likeliest other classes, the boundary to each of which is walked to",
    ),
});

export type FabTParams = z.output<typeof fabTParams>;

/**
 * The targeted FAB of AutoAttack (Croce and Hein 2020, arXiv:2003.01690): one
 * boundary after the other, in the order of the clean scores, so that the cost
 * does not grow with the classes. Any wrong class counts.
 */
export const fabT = defineAttack({
  id: "fab-t",
  title: "FAB-T",
  summary:
    "FAB aimed at the boundary of one likely class after the other, as in AutoAttack, so that its cost does not grow with the classes.",
  caution:
    "Classes beyond the first `targets` are never aimed at, so the nearest boundary may be missed. Masked gradients hide the boundary from it.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:1907.02044",
  taxonomy: whiteBox,
  params: fabTParams,
  run: async (input) =>
    aimedFab(input, await rivalsOf(input, input.params.targets)),
});

/** Targeted FAB at known classes of each sample. */
export async function aimedFab(
  input: AttackInput<FabTParams>,
  rivals: Rivals,
): Promise<FloatTensor> {
  const { target, params, onProgress } = input;
  const { restarts } = params;
  const targets = Math.min(params.targets, target.classes - 1);
  const runs = targets * restarts;
  for (let run = 0; run < runs; run++) {
    const [rank, restart] = [Math.floor(run / restarts), run % restarts];
    await fabWalk(
      input,
      new Map([...rivals].map(([i, all]) => [i, all.slice(rank, rank + 1)])),
      restart === 0 ? undefined : `target ${rank} ${restart}`,
      (share) => onProgress((run + share) / runs),
    );
  }
  return target.examples();
}
