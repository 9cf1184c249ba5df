import { z } from "zod";
import type { Need } from "#core";
import type { Attack } from "../attack.ts";

/**
 * Which model an attack goes through. An unrelated one of the same architecture,
 * task and accuracy shows how much of a success is owed to the descent from the
 * base, and how much any model would give.
 */
export const surrogateParam = z
  .enum(["base", "unrelated"])
  .default("base")
  .describe(
    "the model that it goes through: the base, or one that does not descend from it",
  );

/**
 * What an attack needs that goes through another model: that one, whose classes need
 * not be those of the candidate.
 */
export const surrogateNeeds = ({
  surrogate,
}: {
  readonly surrogate: z.output<typeof surrogateParam>;
}): readonly Need[] => [surrogate, "one answer"];

/**
 * The layer group or value whose features are used, or a share of the way from the
 * first place to cut (0) to the last (1); what the head reads when left out.
 */
export const cutParam = z.union([z.string(), z.number().min(0).max(1)]);

/** Of attacks that hold the base and never query the candidate. */
export const throughBase = {
  atlas: ["AML.T0043.002", "AML.T0005.002"],
  owasp: ["ML01:2023", "ML07:2023"],
  nist: ["NISTAML.025"],
} as const;

/** A chosen attack, on inputs or on texts. */
interface Through {
  readonly unit: Pick<Attack, "access">;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Which model an attack goes through; null for one that does not go through another.
 */
export function surrogateOf({
  unit,
  params,
}: Through): z.output<typeof surrogateParam> | null {
  if (unit.access !== "base") return null;
  return surrogateParam.parse(params.surrogate);
}
