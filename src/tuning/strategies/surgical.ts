import { z } from "zod";
import { UsageError } from "#core";
import { type LayerGroup, matches } from "#model";
import { defineStrategy, evenly } from "./strategy.ts";

/**
 * Surgical fine-tuning (Lee et al. 2023, arXiv:2210.11466): one block of the
 * model is trained and the rest frozen: the first third of its layer groups for
 * a shift of the inputs, the middle one for a shift of the features, the last
 * for a shift of the labels; or the groups that are named. A new head is always
 * trained, since nobody has trained it yet.
 */
export const surgical = defineStrategy({
  id: "surgical",
  title: "Surgical fine-tuning of one block",
  summary:
    "Trains one block of the network and the new head, and freezes the rest.",
  caution:
    "Which block is right depends on what differs between the domains, which is rarely known: compare all three. A wrong block looks like a bad base.",
  reference: "Lee et al. 2023, arXiv:2210.11466",
  params: z.strictObject({
    block: z
      .enum(["first", "middle", "last"])
      .default("first")
      .describe("which third of the layer groups is trained"),
    groups: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(
        "names of layer groups instead of a block; `*` matches anything",
      ),
  }),
  stages(groups, epochs, params) {
    const body = groups.slice(0, -1);
    const chosen = params.groups
      ? groups.filter(({ name }) =>
          params.groups?.some((p) => matches(p, name)),
        )
      : thirdOf(body, params.block);
    if (chosen.length === 0) {
      throw new UsageError(
        "STRATEGY_GROUPS",
        `strategy "surgical" finds no layer group ${params.groups ? `named ${params.groups.join(", ")}` : `in the ${params.block} third`}; the model has ${groups.map((g) => g.name).join(", ")}`,
        "Name layer groups that the model has; `assay inspect` lists them.",
      );
    }
    return [{ epochs, rates: evenly([...chosen, ...groups.slice(-1)]) }];
  },
});

function thirdOf(
  body: readonly LayerGroup[],
  block: "first" | "middle" | "last",
): readonly LayerGroup[] {
  const third = { first: 0, middle: 1, last: 2 }[block];
  const at = (share: number) => Math.round((body.length * share) / 3);
  return body.slice(at(third), at(third + 1));
}
