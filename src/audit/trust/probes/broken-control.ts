import type { Norm } from "#attacks";
import { attackOnce } from "./attack-again.ts";
import { type Attempt, partOf } from "./probe.ts";

/** What the attack left of samples behind a defence that is known to be broken. */
export interface BrokenControl {
  readonly bits: number;
  readonly tried: number;
  /** Samples that it left standing behind the control. */
  readonly left: number;
  /** Of these, the ones that it does not break without the control either. */
  readonly leftBare: number;
}

/**
 * The coarsest bit depth whose step is no larger than half of what the budget gives
 * each number, so that rounding cannot take a perturbation away; null where not even
 * 8 bits are as fine, and where the norm says nothing of each number.
 *
 * @param width the highest input value less the lowest
 * @param count numbers of a sample
 */
export function controlBits(
  norm: Norm,
  eps: number,
  width: number,
  count: number,
): number | null {
  const each: Partial<Record<Norm, number>> = {
    linf: eps,
    l2: eps / Math.sqrt(count),
    l1: eps / count,
  };
  const share = each[norm];
  if (share === undefined) return null;
  for (let bits = 1; bits <= 8; bits++)
    if (width / (2 ** bits - 1) <= share / 2) return bits;
  return null;
}

/**
 * The attack on the bare candidate behind rounding to few levels, which falls to
 * attacks that pass over the rounding (BPDA, Athalye et al. 2018, arXiv:1802.00420).
 * What it leaves standing is tried without the rounding, since a candidate that is
 * robust by itself says nothing of the attack.
 *
 * @param attempt the control, attacked at samples that the bare candidate gets right
 * @param bare the candidate without a defence
 */
export async function brokenControl(
  attempt: Attempt,
  bare: Attempt["model"],
  bits: number,
): Promise<BrokenControl> {
  const { broken } = await attackOnce(attempt, "control", {});
  const standing = broken.flatMap((fell, i) => (fell ? [] : [i]));
  const tried = broken.length;
  if (standing.length === 0) return { bits, tried, left: 0, leftBare: 0 };
  const again = await attackOnce(
    { ...partOf(attempt, standing), model: bare },
    "control without rounding",
    {},
  );
  const leftBare = again.broken.filter((fell) => !fell).length;
  return { bits, tried, left: standing.length, leftBare };
}
