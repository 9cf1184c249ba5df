import type { Check } from "../../results/index.ts";
import { samples } from "../../words.ts";
import {
  type Evidence,
  isSearch,
  sameBudget,
  type TrustCheck,
} from "../check.ts";
import type { Asked, Tries } from "../probes/index.ts";
import { settled } from "./settled.ts";

/**
 * Of all samples, what other means may break: an honest attack misses a few that a
 * search happens on.
 */
const TOLERATED = 0.03;

/**
 * Where gradients are masked, an attack by scores or by labels alone still works, so
 * one of each runs beside them (Carlini et al. 2019, arXiv:1902.06705). What stands is
 * tried by scores, by labels, through a smoothed copy of the model, and by examples of
 * other models.
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
    const tried = triedOn(cell);
    const worst = worstOf(cell, tried);
    const left = notTried(cell);
    if (worst) {
      const { finding, what } = worst;
      const besides = besidesOf(tried.filter((one) => one.what !== what));
      return { ...finding, message: `${finding.message}${besides}${left}` };
    }
    const missing = missingBeside(cell, siblings);
    const vain = inVain(tried);
    if (missing.length === 0)
      return {
        status: "passed",
        message: `Attacks that need no gradients ran at the same budget.${vain}${left}`,
      };
    return cell.probes?.otherMeans?.scores
      ? { status: "passed", message: `${vain}${left}`.trimStart() }
      : {
          status: "warned",
          message: `No attack ${missing.join(" and none ")} ran at this budget: what masked gradients hide would not be seen; add it to the suite.${vain}${left}`,
        };
  },
};

/** Something that was tried on what stood, as a sentence begins with it. */
interface Tried {
  readonly what: string;
  readonly tries: Tries;
}

/** All that was. */
function triedOn({ probes }: Evidence): Tried[] {
  const { scores, labels, smoothed, replays } = probes?.otherMeans ?? none;
  const asked = (by: string, tries: Asked | null) =>
    tries
      ? [{ what: `A search by ${by}, ${tries.queries} queries)`, tries }]
      : [];
  return [
    ...asked("scores (square", scores),
    ...asked("labels alone (hopskipjump", labels),
    ...(smoothed
      ? [{ what: "Gradients of a smoothed copy of the model", tries: smoothed }]
      : []),
    ...replays.map((tries) => ({
      what: `Examples of ${tries.through}`,
      tries,
    })),
  ];
}

/** What says most of what broke anything: of failures, or of warnings, the most. */
function worstOf(cell: Evidence, tried: readonly Tried[]) {
  const { probes } = cell;
  if (!probes) return undefined;
  const findings = tried
    .toSorted((one, other) => other.tries.broken - one.tries.broken)
    .flatMap(({ what, tries }) => {
      const finding = settled(cell, probes, tries, what, ADVICE, TOLERATED);
      return finding ? [{ what, finding }] : [];
    });
  const first = (status: Check["status"]) =>
    findings.find(({ finding }) => finding.status === status);
  return first("failed") ?? first("warned");
}

/** What broke less than the worst, as a sentence. */
const besidesOf = (tried: readonly Tried[]): string =>
  tried.length > 0
    ? ` Tried besides: ${tried.map(({ what, tries }) => `${within(what)} broke ${tries.broken}`).join("; ")}.`
    : "";

/** What broke nothing, as a sentence. */
function inVain(tried: readonly Tried[]): string {
  const most = Math.max(...tried.map(({ tries }) => tries.tried));
  return tried.length > 0
    ? ` Of ${samples(most)} that were left standing none was broken: ${tried.map(({ what }) => within(what)).join("; ")}.`
    : "";
}

/** Whose examples could not be had, as a sentence. */
function notTried({ probes }: Evidence): string {
  const { untried } = probes?.otherMeans ?? none;
  return untried.length > 0
    ? ` Not tried: ${untried.map(({ through, why }) => `examples of ${through}, ${why}`).join("; ")}.`
    : "";
}

/** As it stands within a sentence. */
const within = (what: string): string =>
  what.charAt(0).toLowerCase() + what.slice(1);

const none = {
  scores: null,
  labels: null,
  smoothed: null,
  replays: [],
  untried: [],
};

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
