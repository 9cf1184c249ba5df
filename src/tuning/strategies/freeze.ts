import { z } from "zod";
import { UsageError } from "#core";
import { defineStrategy, evenly } from "./strategy.ts";

/**
 * The first `groups` layer groups are frozen, the rest is trained (Yosinski et al.
 * 2014, arXiv:1411.1792).
 */
export const freeze = defineStrategy({
  id: "freeze",
  title: "Freeze the first layer groups",
  summary: "The first layer groups are frozen and the rest is trained.",
  caution:
    "How many to freeze depends on the network: one layer group of a small network may be half of it. What is frozen is the public base's, and transfer through it stays easy.",
  reference: "Yosinski et al. 2014, arXiv:1411.1792",
  params: z.strictObject({
    groups: z
      .int()
      .nonnegative()
      .default(1)
      .describe("how many layer groups are frozen, from the input on"),
  }),
  stages(groups, epochs, params) {
    if (params.groups >= groups.length) {
      throw new UsageError(
        "STRATEGY_GROUPS",
        `strategy "freeze" freezes ${params.groups} layer groups, the model has ${groups.length} (${groups.map((g) => g.name).join(", ")})`,
        "Freeze fewer groups than the model has.",
      );
    }
    return [{ epochs, rates: evenly(groups.slice(params.groups)) }];
  },
});
