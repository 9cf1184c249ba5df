import type { Recommendation, Results } from "#results";
import { failedParts } from "../../failures.ts";
import { earlyInWords, plain, unbroken, whole } from "../../format.ts";
import { judgementsOf } from "../../judgements.ts";
import { limitsOf } from "../../limits.ts";
import { recommended } from "../../recommended.ts";
import { runsHeadline } from "../../runs.ts";
import { frontCharts } from "./front-chart.ts";

const words = {
  passed: {
    label: "Passed",
    sentence: "Every rule of the gate holds, intervals included.",
  },
  failed: {
    label: "Failed",
    sentence: "At least one rule of the gate is broken.",
  },
  inconclusive: {
    label: "Inconclusive",
    sentence:
      "The evidence does not decide every rule: an interval straddles its limit, a number is not trusted, or something failed that it needs.",
  },
  none: { label: "No verdict", sentence: "The suite states no gate." },
} as const;

/** So much of what was not tested stands on the first screen. */
const SHOWN = 3;

/** So many pictures stand beside the answer; the others below. */
const BESIDE = 2;

/**
 * What somebody needs who has to decide: which candidate to take and why, clean against
 * robust accuracy, the gate, how far numbers are trusted, what changed and what was not
 * tested.
 */
export function decisionView(results: Results) {
  const { complete, recommendations = [] } = results;
  const limits = limitsOf(results);
  const lost = results.missing?.length ?? 0;
  const charts = frontCharts(results);
  return {
    facts: factsOf(results),
    advice: recommended(results).map((one, i) => ({
      ...one,
      take: takeOf(recommendations[i]!),
      method: methodOf(recommendations[i]!),
      leftOut: leftOutOf(recommendations[i]!),
    })),
    instead: results.smoke
      ? "A smoke run recommends nothing: its numbers mean nothing."
      : complete
        ? "These results say of no candidate whether to take it: they were written before reports did."
        : "Only some cells were run, so nothing is recommended.",
    charts: charts.slice(0, BESIDE),
    more: charts.slice(BESIDE),
    gate: gateTile(results),
    early: earlyInWords(results),
    trust: trustTile(results),
    since: results.comparison
      ? unbroken(runsHeadline(results.comparison))
      : null,
    failed: failedParts(results).length > 0 ? whole(lost) : null,
    limits: limits.slice(0, SHOWN),
    moreLimits: Math.max(0, limits.length - SHOWN),
  };
}

function factsOf(results: Results): string[] {
  const { candidates, defenses, cells, trials, task, provenance, timing } =
    results;
  const count = (n: number, one: string, many = `${one}s`) =>
    n === 0 ? [] : [`${whole(n)}\u00a0${n === 1 ? one : many}`];
  return [
    ...count(candidates.length, "candidate"),
    ...count(defenses.length - 1, "defence"),
    ...count(cells.length, "cell"),
    ...count(trials.length, "trial"),
    ...count(
      task?.kind === "lm" ? 0 : provenance.data.attacked,
      "sample attacked",
      "samples attacked",
    ),
    timing.startedAt.slice(0, 10),
    `Assay\u00a0${plain(provenance.assay)}`,
  ];
}

function gateTile({ complete, smoke, gate: { verdict, rules } }: Results) {
  if (smoke)
    return {
      kind: "none",
      label: "Smoke run",
      sentence: `It shows that everything runs, on at most ${smoke.samples} attacked samples${smoke.quick ? " and with steps, epochs and training data cut to a few" : ""}. There is no verdict, and its numbers mean nothing.`,
      counts: null,
    };
  if (!complete)
    return {
      kind: "none",
      label: "Partial run",
      sentence: "Only some cells were run (--only), so there is no verdict.",
      counts: null,
    };
  const passed = rules.filter((rule) => rule.verdict === "passed").length;
  return {
    kind: verdict,
    ...words[verdict],
    counts:
      rules.length > 0
        ? `${passed} of ${rules.length} ${rules.length === 1 ? "rule" : "rules"} passed.`
        : null,
  };
}

/** How many numbers are trusted, of cells and trials. */
function trustTile(results: Results) {
  const all = judgementsOf(results).filter(
    ({ of }) => of === "cell" || of === "trial",
  );
  const { length } = all.filter(({ status }) => status === "passed");
  return {
    kind:
      all.length === 0
        ? "none"
        : length < all.length
          ? "inconclusive"
          : "passed",
    label: `${whole(length)} of ${whole(all.length)}`,
    isAll: length === all.length,
    isNone: all.length === 0,
  };
}

const metrics = {
  cleanAccuracy: "clean accuracy",
  robustAccuracy: "worst-case robust accuracy",
} as const;

function methodOf({ numbers, samples, tests, level }: Recommendation): string {
  const budgets = numbers.flatMap(({ threatModel }) => threatModel ?? []);
  const by = [
    ...(numbers.some((n) => n.metric === "cleanAccuracy")
      ? [metrics.cleanAccuracy]
      : []),
    ...(budgets.length > 0
      ? [`${metrics.robustAccuracy} at ${budgets.map(plain).join(", ")}`]
      : []),
  ].join(" and by ");
  return unbroken(
    tests === 0
      ? "Nothing was compared by a test."
      : `Compared by ${by}, on the same ${samples} samples, by McNemar's exact test; ${whole(tests)} tests are held together by Holm's method, so that in at most ${Number((100 * level).toFixed(1))} % of audits anything is called better that is not.`,
  );
}

const takeOf = ({ take }: Recommendation): string | null =>
  take &&
  plain(take.candidate) +
    (take.defense === "none" ? "" : ` behind ${plain(take.defense)}`);

const leftOutOf = ({ leftOut }: Recommendation) =>
  leftOut.map(({ candidate, defense, because }) => ({
    candidate: plain(candidate),
    defense: defense === "none" ? null : plain(defense),
    because: because.map((one) => reasons[one]).join("; "),
  }));

const reasons: Readonly<
  Record<Recommendation["leftOut"][number]["because"][number], string>
> = {
  "gate failed": "a rule of the gate about it failed",
  "gate open": "the gate does not decide a rule about it",
  missing: "an attack on it, or all of it, has no result",
  "not trusted": "a number is not trusted",
  guesses: "it may give one answer for everything",
  "not evaluated": "no attack was made against the defence",
  "not attacked": "it was not attacked at every budget",
  "no gain": "the defence is not shown to gain anything",
};
