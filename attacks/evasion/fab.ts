import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { fabParams, fabWalk } from "./fab-walk.ts";

/**
 * Fast Adaptive Boundary attack (Croce and Hein 2020, arXiv:1907.02044): the
 * nearest example, by steps between the linearised boundary's nearest points to
 * the last point and to the sample. Looks at the boundaries to all classes;
 * with many of them see `fab-t`.
 */
export const fab = defineAttack({
  id: "fab",
  title: "FAB",
  summary:
    "Looks for the nearest example by steps between the points of the linearised boundary that are nearest to the last point and to the sample, over the boundaries to all classes.",
  caution:
    "Distances are bounds from above. Where gradients are masked the linearised boundary is not the model's, and it finds nothing. With many classes take fab-t, whose cost does not grow with them.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["linf", "l2", "l1"],
  reference: "Croce and Hein 2020, arXiv:1907.02044",
  taxonomy: whiteBox,
  params: fabParams,
  async run(input) {
    const { target, params, onProgress } = input;
    const { restarts } = params;
    // The order of the rivals does not matter where all of them are looked at.
    const classes = Array.from({ length: target.classes }, (_, k) => k);
    const rivals = new Map(
      Array.from(input.y, (label, i) => [
        i,
        classes.filter((k) => k !== label),
      ]),
    );
    for (let restart = 0; restart < restarts; restart++)
      await fabWalk(
        input,
        rivals,
        restart === 0 ? undefined : `fab ${restart}`,
        (share) => onProgress((restart + share) / restarts),
      );
    return target.examples();
  },
});
