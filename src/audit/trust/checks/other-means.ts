import { samples } from "../../words.ts";
import {
  type Evidence,
  isSearch,
  type Ruling,
  sameBudget,
  type TrustCheck,
} from "../check.ts";
import { settled } from "./settled.ts";

/**
 * Of all samples, what other means may break: an honest attack misses a few that a
 * search happens on.
 */
const TOLERATED = 0.03;

/**
 * Where gradients are masked, an attack by scores or by labels alone still works, so
 * one of each runs beside them (Carlini et al. 2019, arXiv:1902.06705). What stands is
 * tried by scores, and through a smoothed copy of the model.
 */
export const otherMeans: TrustCheck = {
  id: "other-means",
  title: "Other means than its gradients find no more",
  summary:
    "Whether other means than the attack's gradients break what it left standing: scores, labels alone, a smoothed copy of the model, and examples that were made on other models.",
  meaning:
    "A failure says that the gradients mislead, so that the number is too high. A warning names a few samples, or says that nothing without gradients was tried.",
  advice:
    "Run autoattack, square and hopskipjump at this budget; write an attack that knows what the defence does.",
  judge(cell, siblings) {
    if (!isSearch(cell) || !cell.named) return undefined;
    const tried = judgeProbe(cell);
    if (tried && tried.status !== "passed") return tried;
    const missing = missingBeside(cell, siblings);
    if (missing.length === 0)
      return {
        status: "passed",
        message: `Attacks that need no gradients ran at the same budget.${tried ? ` ${tried.message}` : ""}`,
      };
    return (
      tried ?? {
        status: "warned",
        message: `No attack ${missing.join(" and none ")} ran at this budget: what masked gradients hide would not be seen; add it to the suite.`,
      }
    );
  },
};

/** What the probes broke of what stood; undefined where there are none. */
function judgeProbe(cell: Evidence): Ruling {
  const { probes } = cell;
  if (!probes) return undefined;
  const { scores, labels, smoothed, replays } = probes.otherMeans ?? none;
  const tried = [
    ...(scores
      ? [
          [
            `A search by scores (square, ${scores.queries} queries)`,
            scores,
          ] as const,
        ]
      : []),
    ...(labels
      ? [
          [
            `A search by labels alone (hopskipjump, ${labels.queries} queries)`,
            labels,
          ] as const,
        ]
      : []),
    ...(smoothed
      ? [["Gradients of a smoothed copy of the model", smoothed] as const]
      : []),
    ...replays.map(
      (replay) => [`Examples of ${replay.through}`, replay] as const,
    ),
  ];
  // What broke most says most.
  const findings = tried
    .toSorted(([, one], [, other]) => other.broken - one.broken)
    .flatMap(
      ([what, tries]) =>
        settled(cell, probes, tries, what, ADVICE, TOLERATED) ?? [],
    );
  const worst =
    findings.find(({ status }) => status === "failed") ??
    findings.find(({ status }) => status === "warned");
  if (worst || !scores) return worst;
  return {
    status: "passed",
    message: `Of ${samples(scores.tried)} that were left standing none was broken: ${tried.map(([what]) => what.toLowerCase()).join("; ")}.`,
  };
}

const none = { scores: null, labels: null, smoothed: null, replays: [] };

const ADVICE =
  "the attack follows gradients that mislead; run autoattack, square and hopskipjump";

/** What did not run at the same budget. */
function missingBeside(
  cell: Evidence,
  siblings: readonly Evidence[],
): string[] {
  const all = [cell, ...sameBudget(cell, siblings)];
  const byScores = all.some(
    (one) => one.searches || (one.access === "score" && one.family === "query"),
  );
  const byLabels = all.some(
    ({ access, family }) => access === "label" && family === "query",
  );
  return [
    ...(byScores ? [] : ["by scores (square)"]),
    ...(byLabels || !decided.includes(cell.norm)
      ? []
      : ["by labels alone (hopskipjump)"]),
  ];
}

/** Norms in which there are attacks by labels alone. */
const decided: readonly string[] = ["linf", "l2"];
