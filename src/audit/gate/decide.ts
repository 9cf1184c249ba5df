import type { GateRule } from "../results/index.ts";
import { isOutside, isWithin } from "../statistics/index.ts";
import type { Claim, Subject } from "./claim.ts";
import { type Chance, ERROR } from "./errors.ts";
import type { GateInput } from "./input.ts";
import { limitText, missingText } from "./text.ts";

export interface Decision {
  verdict: GateRule["verdict"];
  because: string;
  /** About how many samples would decide it, where that is known. */
  samples?: number;
}

/** Decides one claim beside what chance does among all of them. */
export const decide = (
  claim: Claim,
  chance: Chance,
  results: Pick<GateInput, "failures" | "stopped">,
): Decision => withMissing(alone(claim, chance), claim.subject, results);

/**
 * A decision where things are missing. What passes might not have; what fails fails
 * with them too, but for a mean, which they could have moved either way.
 */
function withMissing(
  decision: Decision,
  { missing, isMean, isComparison }: Subject,
  results: Pick<GateInput, "failures" | "stopped">,
): Decision {
  const { verdict, because } = decision;
  if (results.stopped && isComparison && verdict === "failed")
    return {
      verdict: "inconclusive",
      because: `${because}, but the run was ended before all was there to compare`,
    };
  const isSettled =
    verdict === "inconclusive" || (verdict === "failed" && !isMean);
  if (missing.length === 0 || isSettled) return decision;
  return {
    verdict: "inconclusive",
    because: `${because}, but ${missingText(missing, results)}`,
  };
}

const inconclusive = (because: string): Decision => ({
  verdict: "inconclusive",
  because,
});

function alone(claim: Claim, chance: Chance): Decision {
  const { bound, subject } = claim;
  const isBroken = chance.isBroken(claim);
  const { value: measured, intervalAt, trust, unit } = subject;
  const limit = limitText(bound, unit);
  if (unit === "%" && (bound.value < 0 || bound.value > 1))
    return inconclusive(
      `but the limit of ${limit} is no share: write it between 0 and 1`,
    );
  const interval = intervalAt?.(0.95) ?? { low: measured, high: measured };
  const within = isWithin(bound, interval);
  if (trust === "beyond proof")
    return inconclusive(
      "but so many draws prove no such radius, whatever the model: certify with more draws or more noise",
    );
  if (trust === "not in both runs")
    return inconclusive(
      "but it is not trusted in both runs, so that neither is better or worse",
    );
  if (!within && !isBroken) return undecided(claim, chance);
  if (trust === "void")
    return inconclusive(
      "but the attack broke its own rules, or its control did not behave, so the number means nothing",
    );
  const all = intervalAt ? "all of it " : "";
  if (isBroken)
    return {
      verdict: "failed",
      because: `${all}outside the limit of ${limit}`,
    };
  const reservation = reservations[trust];
  if (reservation)
    return inconclusive(`within the limit of ${limit}, but ${reservation}`);
  return { verdict: "passed", because: `${all}within the limit of ${limit}` };
}

/** Why what is within its limit does not pass. */
const reservations: Partial<Record<Subject["trust"], string>> = {
  guesses: "the answers cannot be told from one answer for everything",
  "not evaluated":
    "no attack was made against the defence: add one that looks at the model",
  "too good": "a trust check failed: a stronger attack may break more",
};

/** What is on both sides of its limit, and how many samples would tell. */
function undecided({ subject, bound }: Claim, { rows }: Chance): Decision {
  const { value, intervalAt, unit, plan } = subject;
  const limit = limitText(bound, unit);
  const isShort = intervalAt && isOutside(bound, intervalAt(0.95));
  const side = isShort
    ? `outside the limit of ${limit} by itself, and not beyond what chance does among ${rows} numbers`
    : `on both sides of the limit of ${limit}`;
  const isGood =
    bound.side === "min" ? value > bound.value : value < bound.value;
  const planned = plan?.(bound.value, isGood ? ERROR : ERROR / rows);
  const words =
    planned === undefined
      ? ""
      : planned === null
        ? ", more than there can be while it is so near to its limit"
        : "samples" in planned
          ? `, about ${planned.samples} if it is as measured`
          : `, about ${planned.times} times as many if it is as measured`;
  return {
    ...inconclusive(`${side}: more samples are needed to decide${words}`),
    samples: planned && "samples" in planned ? planned.samples : undefined,
  };
}
