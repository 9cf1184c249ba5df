import type { GateRule, MissingResult, Results } from "../results/index.ts";
import { checkGateNames, type GateConfig, namesOf } from "../suite/index.ts";
import { number, percent } from "../words.ts";
import { ruleOfEach } from "./groups.ts";
import type { GateInput } from "./input.ts";
import { type Untold, untoldBy } from "./missing.ts";
import { namesInstead, type Subject, subjectsOf } from "./subjects.ts";

/**
 * Holds every rule against each subject that it selects. A row passes when its whole
 * interval satisfies the limit and its number is trusted, fails when none of it does,
 * and is inconclusive otherwise. What is missing never lets a rule pass: where it could
 * have changed a row, or is the whole of it, that is inconclusive. Throws GATE_NAME as
 * `checkGateNames` does.
 */
export function evaluateGate(
  rules: GateConfig,
  results: GateInput,
): Results["gate"] {
  checkGateNames(rules, {
    candidates: namesOf(results.planned),
    defenses: results.defenses.map(({ id }) => id),
    attacks: results.attacks.map(({ id }) => id),
    threatModels: results.threatModels.map(({ id }) => id),
    trials: results.trialAttacks.map(({ id }) => id),
    repairs: results.repairs.map(({ id }) => id),
  });
  const rows = rules
    .flatMap((rule) => ruleOfEach(rule, results.planned))
    .flatMap((rule) => rowsOf(rule, results));
  const verdicts = rows.map(({ verdict }) => verdict);
  if (verdicts.length === 0) return { verdict: "none", rules: [] };
  if (verdicts.includes("failed")) return { verdict: "failed", rules: rows };
  return {
    verdict: verdicts.includes("inconclusive") ? "inconclusive" : "passed",
    rules: rows,
  };
}

function rowsOf(rule: GateConfig[number], results: GateInput): GateRule[] {
  const limits = Object.values(rule).find((one) => one !== undefined);
  if (!limits) return [];
  const text = ruleText(rule);
  const bound: Bound =
    "min" in limits && limits.min !== undefined
      ? { side: "min", value: limits.min }
      : { side: "max", value: (limits as { max: number }).max };
  const rows = [
    ...subjectsOf(rule, results).map((one) => row(text, bound, one, results)),
    ...untoldBy(rule, results).map((one) => empty(text, bound, one, results)),
  ];
  if (rows.length > 0) return rows;
  const others = rule.trial ? namesInstead(rule.trial, results) : [];
  const instead =
    others.length > 0 ? ` There are these: ${others.join(", ")}.` : "";
  return [
    {
      rule: text,
      subject: "nothing",
      limit: limitText(bound, "%"),
      measured: "nothing",
      verdict: "inconclusive",
      reason: `No measured number matches this rule, so it decides nothing.${instead}`,
    },
  ];
}

interface Bound {
  side: "min" | "max";
  value: number;
}

/** A row for a number that is not there. */
const empty = (
  rule: string,
  bound: Bound,
  { name, what, unit, missing }: Untold,
  results: GateInput,
): GateRule => ({
  rule,
  subject: name,
  limit: limitText(bound, unit),
  measured: "nothing",
  verdict: "inconclusive",
  reason: `${what} was not measured: ${missingText(missing, results)}.`,
});

/** What is missing, and why. */
function missingText(
  missing: readonly MissingResult[],
  { failures = [] }: GateInput,
): string {
  const [first] = missing;
  const { because, what, id } = first!;
  const others = missing.length - 1;
  const why = failures.find(({ work }) => work === because)?.message;
  return [
    `${what} ${id}`,
    others > 0 ? ` and ${others} more have` : " has",
    " no result",
    because ? `, since ${because} failed` : "",
    why ? ` (${why})` : "",
  ].join("");
}

function row(
  rule: string,
  bound: Bound,
  subject: Subject,
  results: GateInput,
): GateRule {
  const { interval, value, unit, what } = subject;
  const limit = limitText(bound, unit);
  const range =
    interval &&
    `${unit === "" ? number(interval.low) : number(100 * interval.low)} to ${quantity(interval.high, unit)}`;
  const { verdict, because } = withMissing(
    decide(bound, subject, limit),
    subject,
    results,
  );
  const measured = [
    quantity(value, unit),
    range ? `95 % interval ${range}` : "without an interval",
    subject.basis,
  ];
  return {
    rule,
    subject: subject.name,
    limit,
    measured: measured.filter((part) => part !== null).join(", "),
    verdict,
    reason: `${what} is ${quantity(value, unit)} (${range ?? "without an interval"}), ${because}.`,
  };
}

interface Decision {
  verdict: GateRule["verdict"];
  because: string;
}

/**
 * A decision where things are missing. What passes might not have; what fails fails
 * with them too, but for a mean, which they could have moved either way.
 */
function withMissing(
  decision: Decision,
  { missing, isMean }: Subject,
  results: GateInput,
): Decision {
  const { verdict, because } = decision;
  const isSettled =
    verdict === "inconclusive" || (verdict === "failed" && !isMean);
  if (missing.length === 0 || isSettled) return decision;
  return {
    verdict: "inconclusive",
    because: `${because}, but ${missingText(missing, results)}`,
  };
}

function decide(
  { side, value }: Bound,
  { interval, value: measured, trust, unit }: Subject,
  limit: string,
): Decision {
  if (unit === "%" && (value < 0 || value > 1))
    return {
      verdict: "inconclusive",
      because: `but the limit of ${limit} is no share: write it between 0 and 1`,
    };
  const { low, high } = interval ?? { low: measured, high: measured };
  const within = side === "min" ? low >= value : high <= value;
  const outside = side === "min" ? high < value : low > value;
  const all = interval ? "all of it " : "";
  if (trust === "beyond proof") {
    return {
      verdict: "inconclusive",
      because:
        "but so many draws prove no such radius, whatever the model: certify with more draws or more noise",
    };
  }
  if (!within && !outside) {
    return {
      verdict: "inconclusive",
      because: `on both sides of the limit of ${limit}: more samples are needed to decide`,
    };
  }
  if (trust === "void") {
    return {
      verdict: "inconclusive",
      because:
        "but the attack broke its own rules, or its control did not behave, so the number means nothing",
    };
  }
  if (outside) {
    return {
      verdict: "failed",
      because: `${all}outside the limit of ${limit}`,
    };
  }
  if (trust === "guesses") {
    return {
      verdict: "inconclusive",
      because: `within the limit of ${limit}, but the answers cannot be told from one answer for everything`,
    };
  }
  if (trust === "not evaluated") {
    return {
      verdict: "inconclusive",
      because: `within the limit of ${limit}, but no attack was made against the defence: add one that looks at the model`,
    };
  }
  if (trust === "too good") {
    return {
      verdict: "inconclusive",
      because: `within the limit of ${limit}, but a trust check failed: a stronger attack may break more`,
    };
  }
  return {
    verdict: "passed",
    because: `${all}within the limit of ${limit}`,
  };
}

function ruleText(rule: GateConfig[number]): string {
  return Object.entries(rule)
    .map(([metric, limits]) => {
      const parts = Object.entries(limits).map(
        ([key, value]) => `${key} ${value}`,
      );
      return `${metric}: ${parts.join(", ")}`;
    })
    .join("; ");
}

function limitText({ side, value }: Bound, unit: Subject["unit"]): string {
  // Rounded only as far as binary fractions need: a limit is shown as it was written.
  const limit = Number(((unit === "" ? 1 : 100) * value).toPrecision(6));
  return `at ${side === "min" ? "least" : "most"} ${limit}${unit && ` ${unit}`}`;
}

function quantity(value: number, unit: Subject["unit"]): string {
  if (unit === "") return number(value);
  return unit === "%" ? percent(value) : `${number(100 * value)} points`;
}
