import { percent } from "#core";
import { samples } from "../../words.ts";
import type { Evidence, Ruling } from "../check.ts";
import type { AttackProbes, Tries } from "../probes/index.ts";

/**
 * Of all samples, what may be broken by trying again: one point (Carlini et al. 2019,
 * arXiv:1902.06705).
 */
const TOLERATED = 0.01;

/** Judges what another attempt broke of the samples that an attack left standing. */
export function settled(
  { outcomes }: Evidence,
  { standing }: AttackProbes,
  { tried, broken }: Tries,
  what: string,
  advice: string,
  tolerated = TOLERATED,
): Ruling {
  const seen = `${what} broke ${broken} of ${samples(tried)} that were left standing`;
  if (broken === 0) return { status: "passed", message: `${seen}.` };
  const share = ((broken / tried) * standing) / outcomes.length;
  // One sample may go either way by luck of the draw.
  return broken >= 2 && share >= tolerated
    ? {
        status: "failed",
        message: `${seen}, about ${percent(share)} of all: ${advice}.`,
      }
    : { status: "warned", message: `${seen}: ${advice}.` };
}
