import { certifiedAt, largestRadius } from "../certify/index.ts";
import { counts, UNDEFENDED } from "../counting.ts";
import { checksOfReplays, cleanDrop, replaysOn } from "../judging/index.ts";
import type { Check, Finding, Rate } from "../results/index.ts";
import {
  anytimeInterval,
  clopperPearson,
  exactLike,
  normalLike,
  samplesForPairs,
  samplesForShare,
  successesOf,
  timesAsMany,
} from "../statistics/index.ts";
import type { GateConfig, Limits } from "../suite/index.ts";
import { isGuessed, isVoid } from "../trust/index.ts";
import type { Measured, Subject } from "./claim.ts";
import { taskOf } from "./groups.ts";
import { type GateInput, named, type Place, selects } from "./input.ts";
import { missingBehind, referenceOf } from "./missing.ts";
import { regressionSubjects } from "./regression.ts";

/** The numbers that a rule selects. */
export function subjectsOf(
  rule: GateConfig[number],
  results: GateInput,
): Subject[] {
  return measuredBy(rule, results).map(({ of, under, about, ...subject }) => {
    const isGuess =
      subject.trust !== "void" && of.some((one) => guesses(one, results));
    return {
      ...subject,
      trust: isGuess ? "guesses" : subject.trust,
      missing: missingBehind(of, under, results),
      about: about ?? of,
    };
  });
}

/** Whether the answers there cannot be told from one answer for everything. */
const guesses = (
  { candidate, defense = UNDEFENDED }: Place,
  { candidates, cells, decisions = [] }: GateInput,
): boolean =>
  [...cells, ...decisions.flatMap((one) => one.cells)].some(
    (cell) =>
      cell.candidate === candidate &&
      cell.defense === defense &&
      isGuessed(cell.checks),
  ) ||
  (defense === UNDEFENDED &&
    candidates.some((one) => one.id === candidate && one.guesses === true));

function measuredBy(rule: GateConfig[number], results: GateInput): Measured[] {
  const {
    robustAccuracy,
    cleanAccuracy,
    cleanAccuracyDrop,
    attackSuccess,
    certifiedAccuracy,
    regression,
    trial,
  } = rule;
  return [
    ...(robustAccuracy
      ? [
          ...robustSubjects(robustAccuracy, results),
          ...decidedSubjects(robustAccuracy, results),
          ...meanSubjects(robustAccuracy, results, { clean: false }),
        ]
      : []),
    ...(cleanAccuracy
      ? [
          ...cleanSubjects(cleanAccuracy, results),
          ...meanSubjects(cleanAccuracy, results, { clean: true }),
        ]
      : []),
    ...(cleanAccuracyDrop ? dropSubjects(cleanAccuracyDrop, results) : []),
    ...(attackSuccess ? successSubjects(attackSuccess, results) : []),
    ...(certifiedAccuracy ? certifiedSubjects(certifiedAccuracy, results) : []),
    ...(regression ? regressionSubjects(regression, results) : []),
    ...(trial ? trialSubjects(trial, results) : []),
  ];
}

function robustSubjects(
  limits: Limits["robustAccuracy"],
  { worstCases, cells, crossTask = [] }: GateInput,
): Measured[] {
  return worstCases
    .filter((one) => selects(limits, one))
    .map((one) => {
      const { candidate, defense, threatModel, robustAccuracy } = one;
      const own = cells.filter(
        (cell) =>
          counts(cell) &&
          cell.candidate === candidate &&
          cell.defense === defense &&
          cell.threatModel.id === threatModel,
      );
      const replays = replaysOn(crossTask, candidate, defense, threatModel);
      return {
        ...measure(robustAccuracy),
        of: [one],
        under: threatModel,
        name: named(candidate, defense, threatModel),
        what: "Robust accuracy",
        trust: trustOf(
          one.trusted,
          [...own.map((c) => c.checks), ...checksOfReplays(replays, cells)],
          one.evaluated,
        ),
      };
    });
}

/** What was attacked until rules were decided; all rules about it see the same. */
const decidedSubjects = (
  limits: Limits["robustAccuracy"],
  { decisions = [] }: GateInput,
): Measured[] =>
  decisions
    .filter((one) => selects(limits, one))
    .map((one) => {
      const { candidate, defense, threatModel, robustAccuracy } = one;
      const { attacked, of, trusted, evaluated, cells, skipped = [] } = one;
      const others = skipped.map(({ attack }) => attack).join(" and ");
      return {
        ...measure(robustAccuracy),
        intervalAt: (confidence) =>
          anytimeInterval(successesOf(robustAccuracy), attacked, confidence),
        basis: `always-valid, n = ${attacked} of ${of}, attacked until the rule was decided${others && ` by ${one.attacks.join(" and ")}, without ${others}`}`,
        of: [one],
        under: threatModel,
        name: named(candidate, defense, threatModel),
        what: `Robust accuracy on ${attacked} of ${of} samples, for this rule alone,`,
        trust: trustOf(
          trusted,
          cells.map(({ checks }) => checks),
          evaluated,
        ),
      };
    });

function cleanSubjects(
  limits: Limits["cleanAccuracy"],
  { candidates, cells, decisions = [] }: GateInput,
): Measured[] {
  return candidates.flatMap((candidate) => {
    const rates = new Map([[UNDEFENDED, candidate.cleanAccuracy]]);
    for (const cell of cells) {
      if (cell.candidate === candidate.id && !rates.has(cell.defense)) {
        rates.set(cell.defense, cell.cleanAccuracy);
      }
    }
    for (const one of decisions)
      if (one.candidate === candidate.id && !rates.has(one.defense))
        rates.set(one.defense, one.cleanAccuracy);
    return [...rates]
      .filter(([defense]) =>
        selects(limits, { candidate: candidate.id, defense }),
      )
      .map(
        ([defense, clean]): Measured => ({
          ...measure(clean),
          of: [{ candidate: candidate.id, defense }],
          name: named(candidate.id, defense),
          what: "Clean accuracy",
          trust: "trusted",
        }),
      );
  });
}

/**
 * What a candidate of several seeds reaches on average: a number of the way it is
 * trained, not of one model.
 */
function meanSubjects(
  limits: Limits["robustAccuracy"] | Limits["cleanAccuracy"],
  results: GateInput,
  { clean }: { clean: boolean },
): Measured[] {
  return results.seeds
    .filter(({ threatModel }) => (threatModel === null) === clean)
    .filter((one) =>
      selects(limits, { ...one, threatModel: one.threatModel ?? undefined }),
    )
    .map((one): Measured => {
      const { candidate, defense, threatModel, values, mean, low, high } = one;
      const { planned } = one;
      return {
        of: results.planned
          .filter(({ replica }) => replica?.of === candidate)
          .map(({ id }) => ({ candidate: id, defense })),
        under: threatModel ?? undefined,
        isMean: true,
        name: named(candidate, defense, threatModel),
        what: `Mean ${clean ? "clean" : "robust"} accuracy over seeds`,
        value: mean,
        intervalAt: exactLike(mean, { low, high }),
        basis: `${planned ? `${values.length} of ${planned}` : values.length} seeds`,
        unit: "%",
        trust: clean ? "trusted" : leastTrusted(one, results),
      };
    });
}

/** The trust of the seed that is trusted least. */
function leastTrusted(
  { candidate, defense, threatModel }: GateInput["seeds"][number],
  results: GateInput,
): Subject["trust"] {
  const own = results.candidates
    .filter(({ replica }) => replica?.of === candidate)
    .flatMap(({ id }) =>
      robustSubjects(
        { min: 0, candidate: id, defense, threatModel: threatModel ?? "" },
        results,
      ),
    )
    .map(({ trust }) => trust);
  const order: Subject["trust"][] = ["void", "not evaluated", "too good"];
  return order.find((trust) => own.includes(trust)) ?? "trusted";
}

function dropSubjects(
  limits: Limits["cleanAccuracyDrop"],
  { candidates, cells, planned }: GateInput,
): Measured[] {
  const named = referenceOf(limits.than, planned);
  const reference = candidates.find(({ id }) => id === named?.id);
  if (!reference) return [];
  return candidates
    .filter(
      (candidate) =>
        candidate !== reference &&
        taskOf(candidate) === taskOf(reference) &&
        selects(limits, { candidate: candidate.id }),
    )
    .map((candidate) => {
      const drop = cleanDrop(reference, candidate, cells);
      return {
        of: [{ candidate: candidate.id }, { candidate: reference.id }],
        about: [{ candidate: candidate.id }],
        name: `${candidate.id} against ${reference.id}`,
        what: `The drop in clean accuracy from ${reference.id}`,
        value: drop.value,
        intervalAt: drop.intervalAt,
        plan: (limit, tail) => {
          const samples = samplesForPairs(
            drop.value,
            drop.discordant,
            limit,
            tail,
          );
          return samples === null ? null : { samples };
        },
        isComparison: true,
        basis: drop.method,
        unit: "points",
        trust: "trusted",
      };
    });
}

function successSubjects(
  limits: Limits["attackSuccess"],
  { cells }: GateInput,
): Measured[] {
  return cells
    .filter((cell) => counts(cell))
    .filter((cell) =>
      selects(limits, { ...cell, threatModel: cell.threatModel.id }),
    )
    .map((cell) => ({
      // Without a correct sample there was nothing to break: any rate is possible.
      ...measure(cell.attackSuccess ?? { value: 0, low: 0, high: 1, n: 0 }),
      of: [cell],
      under: cell.threatModel.id,
      name: named(
        cell.candidate,
        cell.defense,
        cell.attack,
        cell.threatModel.id,
      ),
      what: "Attack success",
      trust: trustOf(cell.trusted, [cell.checks]),
    }));
}

function certifiedSubjects(
  { radius, sigma, candidate }: Limits["certifiedAccuracy"],
  { certificates }: GateInput,
): Measured[] {
  return certificates
    .filter((one) => selects({ candidate }, one))
    .filter((one) => sigma === undefined || one.sigma === sigma)
    .map((one) => ({
      ...measure(certifiedAt(one.radii, radius)),
      of: [one],
      name: named(one.candidate, `smoothed by ${one.sigma}`),
      what: `Certified accuracy at a radius of ${radius}`,
      trust: radius > largestRadius(one) ? "beyond proof" : "trusted",
    }));
}

function trialSubjects(
  limits: Limits["trial"],
  { trials }: GateInput,
): Measured[] {
  return trials
    .filter((one) => selects(limits, one))
    .flatMap((one) =>
      one.findings
        .filter((f) =>
          limits.finding ? f.id === limits.finding : f.role === "headline",
        )
        .filter((f) => limits.at === undefined || f.at === limits.at)
        .map((f): Measured => {
          const { value, n } = f;
          return {
            of: [{ candidate: one.candidate }],
            name: f.at ? `${one.id} at ${f.at}` : one.id,
            what: f.title,
            value: value ?? 0,
            ...spreadOf(f),
            basis: n === null ? null : `n = ${n}`,
            unit: f.unit === "share" ? "%" : "",
            trust: one.trusted ? "trusted" : "void",
          };
        }),
    );
}

/**
 * What a rule about trials could name instead of what is not there: findings, or places
 * of the one that it names.
 */
export function namesInstead(
  limits: Limits["trial"],
  { trials }: GateInput,
): string[] {
  const found = trials
    .filter((one) => selects(limits, one))
    .flatMap((one) => one.findings);
  const places = found
    .filter((f) => f.id === limits.finding || f.role === "headline")
    .flatMap((f) => f.at ?? []);
  const isThere = found.some((f) => f.id === limits.finding);
  return [
    ...new Set(
      limits.finding === undefined || isThere
        ? places
        : found.map(({ id }) => id),
    ),
  ];
}

function measure(
  rate: Rate,
): Pick<Subject, "value" | "intervalAt" | "plan" | "basis" | "unit"> {
  const { value, n } = rate;
  return {
    value,
    intervalAt: (confidence) =>
      n === 0 || confidence === 0.95
        ? rate
        : clopperPearson(successesOf(rate), n, confidence),
    plan: (limit, tail) => {
      const samples = samplesForShare(value, limit, tail);
      return samples === null ? null : { samples };
    },
    basis: `n = ${n}`,
    unit: "%",
  };
}

/** How far off what a trial found may be, by its 95 % interval. */
function spreadOf({
  value,
  low,
  high,
  unit,
}: Finding): Pick<Subject, "intervalAt" | "plan"> {
  if (value !== null && low === null && high === null)
    return { intervalAt: null };
  const known = { low: low ?? -Infinity, high: high ?? Infinity };
  // What could not be measured may be anything.
  if (value === null) return { intervalAt: () => known };
  return {
    intervalAt:
      unit === "share" && low !== null && high !== null
        ? exactLike(value, known)
        : normalLike(value, known),
    plan: (limit, tail) => {
      const reach = limit < value ? value - known.low : known.high - value;
      const times = timesAsMany(reach, Math.abs(limit - value), tail);
      return times === null ? null : { times: Math.max(2, Math.ceil(times)) };
    },
  };
}

/**
 * A weak attack can only make a model look too good. One that cheated can make
 * it look anything.
 */
function trustOf(
  trusted: boolean,
  checks: readonly (readonly Check[])[],
  evaluated = true,
): Subject["trust"] {
  if (checks.some(isVoid)) return "void";
  if (!evaluated) return "not evaluated";
  return trusted ? "trusted" : "too good";
}
