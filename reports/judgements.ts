import { percent } from "#core";
import type { Check, DecisionResult, Rate, Results, WorstCase } from "#results";
import { withoutAttacks } from "./failures.ts";
import {
  budget,
  findingText,
  headline,
  interval,
  mainThreats,
  onAllHeads,
  plain,
} from "./format.ts";

/**
 * One thing that a run has judged, or could not. "untrusted" numbers failed a trust
 * check; what is "failed" of a work is an error, not a finding.
 */
export interface Judgement {
  readonly of: "gate" | "cell" | "trial" | "work" | "missing";
  /** What it is said of, such as "full/none/pgd@linf-0.1"; unique within its kind. */
  readonly subject: string;
  readonly candidate: string | null;
  readonly status: "passed" | "failed" | "inconclusive" | "untrusted" | "error";
  /** What was found, and why that is no pass, in sentences. */
  readonly message: string;
  /** Why it is no pass, each by itself; empty where it is one. */
  readonly reasons: readonly Reason[];
  readonly seconds: number | null;
}

export interface Reason {
  /** The kind of gate rule, trust check or work: the same for all of a kind. */
  readonly rule: string;
  readonly title: string;
  readonly message: string;
}

/** A rate with its interval, in words: "77.0 % [67.5, 84.8] of 100". */
export const rateText = (rate: Rate): string =>
  `${percent(rate.value)} ${interval(rate)} of ${rate.n}`;

/** All that a run has judged: the gate first, then numbers, then what is not there. */
export const judgementsOf = (results: Results): Judgement[] => [
  ...gateRules(results),
  ...[...cellsOf(results), ...trialsOf(results)].map((one) =>
    results.smoke ? meaningless(one) : one,
  ),
  ...failedWorks(results),
  ...missingResults(results),
];

/** What a smoke run found. It is no finding, so it is no reason for anything. */
const meaningless = (one: Judgement): Judgement => ({
  ...one,
  status: "untrusted",
  message: `A smoke run, whose numbers mean nothing. ${one.message}`,
  reasons: [],
});

/** The verdict of a run in a word or two. */
export const verdictOf = ({ complete, smoke, gate }: Results): string =>
  smoke
    ? "smoke run, no verdict"
    : complete
      ? gate.verdict === "none"
        ? "no verdict"
        : gate.verdict
      : "partial run, no verdict";

/** Those that somebody has to look at. */
export const openOnes = (results: Results): Judgement[] =>
  judgementsOf(results).filter(({ status }) => status !== "passed");

const gateRules = ({ gate }: Results): Judgement[] =>
  gate.rules.map(({ rule, subject, verdict, reason }) => {
    const kind = rule.split(":", 1)[0]!;
    const why = {
      rule: `gate/${kind}`,
      title: `Gate: ${kind}`,
      message: reason,
    };
    return {
      of: "gate",
      subject: `${rule} of ${subject}`,
      candidate: null,
      status: verdict,
      message: reason,
      reasons: verdict === "passed" ? [] : [why],
      seconds: null,
    };
  });

function cellsOf(results: Results): Judgement[] {
  const cells = results.cells.map((cell) => {
    const { id, candidate, cleanAccuracy, robustAccuracy, seconds } = cell;
    const found = `Robust accuracy ${rateText(robustAccuracy)} at ${budget(cell.threatModel)}, clean ${rateText(cleanAccuracy)}`;
    return judged("cell", id, candidate, cell, found, seconds);
  });
  const decided = (results.decisions ?? []).flatMap((one) =>
    one.cells.map((cell) =>
      judged(
        "cell",
        cell.id,
        cell.candidate,
        cell,
        `Robust accuracy ${rateText(cell.robustAccuracy)} at ${budget(cell.threatModel)}, ${earlyText(one)}`,
        cell.seconds,
      ),
    ),
  );
  const heads = onAllHeads(results).map((one) =>
    judged("cell", one.id, one.candidate, one, "All heads at once", null),
  );
  return [...cells, ...decided, ...heads];
}

/** On how many samples the gate was decided, as half a sentence. */
const earlyText = ({ decided, attacked, of }: DecisionResult): string =>
  decided
    ? `decided on ${attacked} of ${of} samples`
    : `on all ${of} samples, which did not decide`;

const trialsOf = ({ trials }: Results): Judgement[] =>
  trials.map((trial) => {
    const found = headline(trial);
    const said = found
      ? `${found.title} ${Object.values(findingText(found)).filter(Boolean).join(" ")}`
      : "Nothing to measure";
    const { id, candidate, seconds } = trial;
    return judged("trial", id, candidate, trial, said, seconds);
  });

function judged(
  of: "cell" | "trial",
  subject: string,
  candidate: string,
  { trusted, checks }: { trusted: boolean; checks: readonly Check[] },
  found: string,
  seconds: number | null,
): Judgement {
  const failed = checks.filter(({ status }) => status === "failed");
  const why = failed.map(({ message }) => message).join(" ");
  return {
    of,
    subject,
    candidate,
    status: trusted ? "passed" : "untrusted",
    message: trusted ? `${found}.` : `${found}; not trusted: ${why}`,
    reasons: failed.map(({ id, title, message }) => ({
      rule: `trust/${id}`,
      title: `Trust check: ${title}`,
      message: `${found}; not trusted: ${message}`,
    })),
    seconds,
  };
}

const failedWorks = ({ failures = [] }: Results): Judgement[] =>
  failures.map(({ work, kind, message, hint }) =>
    absent("work", work, null, {
      rule: `failed/${kind}`,
      title: `Failed work: ${kind}`,
      message: `${message}. ${hint}`,
    }),
  );

const missingResults = ({ missing = [], stopped }: Results): Judgement[] =>
  missing.map(({ what, id, candidate, because }) => ({
    ...absent("missing", `${what} ${id}`, candidate ?? null, {
      rule: `missing/${what}`,
      title: `Missing result: ${what}`,
      message: because
        ? `No result, since ${because} failed.`
        : stopped
          ? "No result: the run ended before, since a rule of the gate could not pass any more."
          : "No result: it was not done.",
    }),
    // That the run left it out is no error of the run.
    status:
      stopped && !because ? ("inconclusive" as const) : ("error" as const),
  }));

const absent = (
  of: "work" | "missing",
  subject: string,
  candidate: string | null,
  reason: Reason,
): Judgement => ({
  of,
  subject,
  candidate,
  status: "error",
  message: reason.message,
  reasons: [reason],
  seconds: null,
});

/**
 * Worst cases over all attacks at the budgets that the suite names, one for each
 * candidate and defence; "evaluated" is false where no attack was made against it.
 */
export const mainCases = (results: Results): Results["worstCases"] => {
  const threats = new Set(mainThreats(results).map(({ id }) => id));
  return results.worstCases.filter((one) => threats.has(one.threatModel));
};

/** Why a number counts for nothing, in words beside it; empty where it does count. */
export const doubtsOf = (
  { smoke }: Pick<Results, "smoke">,
  { trusted }: { readonly trusted: boolean },
): string[] => [
  ...(smoke ? ["smoke run"] : []),
  ...(trusted ? [] : ["not trusted"]),
];

/**
 * Why a worst case is less than it looks: "not trusted", and "without 2 attacks" where
 * it is only a bound from above; empty where it is whole.
 */
export function caveatsOf(results: Results, worst: WorstCase): string[] {
  const lacks = withoutAttacks(results, worst);
  return [...doubtsOf(results, worst), ...(lacks ? [`without ${lacks}`] : [])];
}

/** A name with its caveats: "robust accuracy (not trusted)". */
export const withCaveats = (
  name: string,
  caveats: readonly string[],
): string => (caveats.length > 0 ? `${name} (${caveats.join(", ")})` : name);

/** Text from outside on one line. */
export const oneLine = (text: string): string =>
  plain(text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " "));
