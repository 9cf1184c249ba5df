import { decimal } from "#core";
import type { GateRule, Results } from "../results/index.ts";
import type { Bound } from "../statistics/index.ts";
import { checkGateNames, type GateConfig, namesOf } from "../suite/index.ts";
import { number } from "../words.ts";
import type { Claim } from "./claim.ts";
import { type Decision, decide } from "./decide.ts";
import { chanceAmong, ERROR } from "./errors.ts";
import { ruleOfEach } from "./groups.ts";
import type { GateInput, Place } from "./input.ts";
import { type Untold, untoldBy } from "./missing.ts";
import { type Empty, eachRegression, notCompared } from "./regression.ts";
import { namesInstead, subjectsOf } from "./subjects.ts";
import { limitText, missingText, quantity, ruleText } from "./text.ts";

/**
 * Holds every rule against each subject that it selects. A row passes when its whole
 * interval satisfies the limit and its number is trusted, fails when none of it does,
 * at a confidence that all rows share (`errors.ts`), and is inconclusive otherwise.
 * What is missing never lets a rule pass: where it could have changed a row, or is the
 * whole of it, that is inconclusive. Throws GATE_NAME as `checkGateNames` does.
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
  const asked = rules
    .flatMap((rule) => ruleOfEach(rule, results.planned))
    .flatMap(eachRegression)
    .flatMap((rule) => askedBy(rule, results));
  if (asked.length === 0) return { verdict: "none", rules: [] };
  const chance = chanceAmong(
    asked.flatMap((one) => ("claim" in one ? one.claim : [])),
    results.stopped && mostRows(asked),
  );
  const rows = asked.map((one) =>
    "claim" in one
      ? row(one.claim, decide(one.claim, chance, results))
      : one.row,
  );
  return {
    verdict: verdictOf(rows),
    rules: rows,
    errors: { rows: chance.rows, falseFailure: ERROR, falsePass: ERROR },
  };
}

function verdictOf(rules: readonly GateRule[]): GateRule["verdict"] {
  const verdicts = rules.map(({ verdict }) => verdict);
  if (verdicts.includes("failed")) return "failed";
  return verdicts.includes("inconclusive") ? "inconclusive" : "passed";
}

/** A number that a rule selects, or a row for one that is not there. */
type Asked =
  | { readonly claim: Claim }
  | {
      readonly row: GateRule;
      /** How many numbers it may stand for. */
      readonly most: number;
    };

/**
 * More numbers than any trial finds. How many it does, only its end says; a rule that
 * is clearly broken is so among this many too.
 */
const OF_A_TRIAL = 10_000;

/**
 * How many numbers the rules select when all is done, at most. A run that ended by
 * what it found is judged among these: otherwise it would fail by rows that the others,
 * had they been there, would have excused.
 */
const mostRows = (asked: readonly Asked[]): number =>
  asked.reduce((sum, one) => sum + ("claim" in one ? 1 : one.most), 0);

function askedBy(rule: GateConfig[number], results: GateInput): Asked[] {
  const limits = Object.values(rule).find((one) => one !== undefined);
  if (!limits) return [];
  const text = ruleText(rule);
  const bound = boundOf(limits);
  const asked = [
    ...subjectsOf(rule, results).map((subject) => ({
      claim: { rule: text, bound, subject },
    })),
    ...[
      ...untoldBy(rule, results).map((one) => untold(one, results)),
      ...notCompared(rule, results),
    ].map((one) => ({
      row: empty(text, bound, one),
      most: rule.trial ? OF_A_TRIAL : 1,
    })),
  ];
  if (asked.length > 0) return asked;
  const others = rule.trial ? namesInstead(rule.trial, results) : [];
  const instead =
    others.length > 0 ? ` There are these: ${others.join(", ")}.` : "";
  const reason = `No measured number matches this rule, so it decides nothing.${instead}`;
  const nothing = { name: "nothing", unit: "%", reason } as const;
  return [{ row: empty(text, bound, nothing), most: 1 }];
}

/** The limit of a rule; that of a regression is of one metric. */
function boundOf(limits: object): Bound {
  const { min, max } = (
    "robustAccuracy" in limits
      ? limits.robustAccuracy
      : "cleanAccuracy" in limits
        ? limits.cleanAccuracy
        : limits
  ) as { min?: number; max?: number };
  return min === undefined
    ? { side: "max", value: max! }
    : { side: "min", value: min };
}

const untold = (
  { name, what, unit, missing }: Untold,
  results: GateInput,
): Empty => ({
  name,
  unit,
  reason: `${what} was not measured: ${missingText(missing, results)}.`,
  about: missing.flatMap(({ candidate, defense }) =>
    candidate === undefined ? [] : { candidate, defense },
  ),
});

/** A row for a number that is not there. */
const empty = (
  rule: string,
  bound: Bound,
  { name, unit, reason, about = [] }: Empty,
): GateRule => ({
  rule,
  subject: name,
  about: judgedIn(about),
  limit: limitText(bound, unit),
  measured: "nothing",
  verdict: "inconclusive",
  reason,
});

/** The models that a row judges, each once; nothing where it judges none. */
function judgedIn(places: readonly Place[]): GateRule["about"] {
  const all = new Map(
    places.map(({ candidate, defense = null }) => [
      JSON.stringify([candidate, defense]),
      { candidate, defense },
    ]),
  );
  return all.size > 0 ? [...all.values()] : undefined;
}

function row(
  { rule, bound, subject }: Claim,
  { verdict, because, samples }: Decision,
): GateRule {
  const { intervalAt, value, unit, what } = subject;
  const interval = intervalAt?.(0.95);
  const range =
    interval &&
    `${unit === "" ? number(interval.low) : decimal(100 * interval.low)} to ${quantity(interval.high, unit)}`;
  const measured = [
    quantity(value, unit),
    range ? `95 % interval ${range}` : "without an interval",
    subject.basis,
  ];
  return {
    rule,
    subject: subject.name,
    about: judgedIn(subject.about),
    limit: limitText(bound, unit),
    measured: measured.filter((part) => part !== null).join(", "),
    verdict,
    reason: `${what} is ${quantity(value, unit)} (${range ?? "without an interval"}), ${because}.`,
    samples,
  };
}
