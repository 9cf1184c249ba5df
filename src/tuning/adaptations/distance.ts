import { z } from "zod";
import type { Explained } from "#core";
import type { LossGraph } from "../part.ts";
import { besideTarget, defineJoint, TARGET } from "./adaptation.ts";
import { type Features, featuresOf } from "./features.ts";

/**
 * Adds lambda times a distance between both domains' features in front of the head
 * to the loss on the source.
 *
 * @param distance adds its nodes and returns a scalar
 * @param name under which it is recorded
 */
export const defineDistance = (
  unit: Explained & {
    readonly id: string;
    readonly title: string;
    readonly reference: string;
  },
  name: string,
  distance: (g: LossGraph, features: Features) => string,
) =>
  defineJoint({
    ...unit,
    params: z.strictObject({
      lambda: z
        .number()
        .nonnegative()
        .default(1)
        .describe("weight beside the loss on the source"),
    }),
    open: ({ lambda }, _context, target) => ({
      views: [TARGET],
      prepare: besideTarget(target),
      loss(g, loss) {
        const apart = distance(g, featuresOf(g));
        g.record(name, apart);
        return g.b.add(loss, g.b.mul(apart, lambda));
      },
    }),
  });
