import type { Chosen } from "#core";
import type {
  Candidate,
  MemberCandidate,
  TunedCandidate,
} from "./candidates.ts";
import type { Suite } from "./schema.ts";

/** How a run is cut down to one that only shows that everything runs. */
export interface Smoke {
  /** Test samples that are attacked. */
  readonly samples?: number;
  /** Whether steps, epochs and training data are cut to a few as well. */
  readonly quick?: boolean;
}

/** Attacked samples of a quick run that does not say how many. */
const FEW = 10;

/** Training samples of a quick run, and as many to validate and to test with. */
export const QUICK_PART = 100;

/**
 * Most of what quick units may do, by the names of their parameters, ours and those of
 * modules alike. The schema of a unit may want more; then it gets the least that the
 * schema takes.
 */
const most: ReadonlyMap<string, number> = new Map([
  ["steps", 2],
  ["restarts", 1],
  ["eot", 1],
  ["targets", 1],
  ["queries", 20],
  ["maxIterations", 2],
  ["binarySearchSteps", 1],
  ["iterations", 2],
  ["initialEvals", 5],
  ["maxEvals", 20],
  ["initialTries", 10],
  ["population", 8],
  ["offspring", 4],
  ["generations", 1],
  ["pairs", 2],
  ["angles", 3],
  ["shifts", 1],
  ["draws", 1],
  ["epochs", 1],
  ["epochsPerStage", 1],
  ["teacherEpochs", 1],
  ["samples", 10],
  ["seeds", 1],
  ["tries", 8],
  ["inputs", 2],
  ["shadows", 2],
  ["victims", 4],
  ["patches", 50],
  ["window", 5],
  ["n0", 10],
  ["n", 100],
]);

/** Lists of which a quick run takes the first: units try one after the other. */
const firstOnly: ReadonlySet<string> = new Set([
  "budgets",
  "kinds",
  "learningRates",
  "levels",
  "samples",
  "severities",
  "steps",
]);

/** A suite with little of everything. Every cell and trial of it stays. */
export function smokeOf(suite: Suite, { samples, quick }: Smoke): Suite {
  const attacked = samples ?? FEW;
  const few = { ...suite, samples: Math.min(attacked, suite.samples) };
  if (!quick) return few;
  const { base, candidates, defenses, attacks } = suite;
  const { trials, repairs, trajectory, certify } = suite;
  const parts = { base, defenses, attacks, trials, repairs };
  return {
    ...few,
    ...(cut({ ...parts, trajectory, certify }) as typeof parts),
    candidates: Object.fromEntries(
      Object.entries(candidates).map(([id, one]) => [
        id,
        hasStages(one) ? stagedOf(one) : (cut(one) as Candidate),
      ]),
    ),
    gallery: Math.min(1, suite.gallery),
  };
}

/** Whether one epoch is not enough for the stages of its strategy. */
function hasStages(one: Candidate): one is TunedCandidate | MemberCandidate {
  if (one.kind !== "tuned" && one.kind !== "member") return false;
  const { unit, params } = one.strategy;
  const groups = ["body", "head"].map((id) => ({ id, parameters: [] }));
  try {
    unit.stages(groups as never, 1, params);
    return false;
  } catch {
    return true;
  }
}

/** How many stages there are only the model says, so its epochs stay. */
function stagedOf(one: TunedCandidate | MemberCandidate): Candidate {
  const { epochs } = one.settings;
  const less = cut(one) as typeof one;
  return { ...less, settings: { ...less.settings, epochs } };
}

/** The same with no more of anything than there may be. */
function cut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cut);
  if (!isPlain(value)) return value;
  if (isChosen(value)) return cutChosen(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, cutAt(key, one)]),
  );
}

function cutAt(key: string, value: unknown): unknown {
  const limit = most.get(key);
  if (typeof value === "number" && limit !== undefined)
    return Math.min(value, limit);
  if (Array.isArray(value) && firstOnly.has(key) && value.every(isNumberOrText))
    return value.slice(0, 1).map((one) => cutAt(key, one));
  return cut(value);
}

/** A unit with parameters that its schema takes. */
function cutChosen({ unit, params }: Chosen): Chosen {
  const takes = (key: string, value: unknown) =>
    unit.params.shape[key]?.safeParse(value).success === true;
  const fitted = Object.entries(params).map(([key, value]) => {
    let less = cutAt(key, value);
    while (
      typeof less === "number" &&
      less < (value as number) &&
      !takes(key, less)
    )
      less = Math.min(less + 1, value as number);
    return [key, typeof less === "number" || takes(key, less) ? less : value];
  });
  return { unit, params: Object.fromEntries(fitted) };
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  value !== null &&
  typeof value === "object" &&
  Object.getPrototypeOf(value) === Object.prototype;

const isChosen = (value: object): value is Chosen =>
  "unit" in value && "params" in value;

const isNumberOrText = (value: unknown): boolean =>
  typeof value === "number" || typeof value === "string";
