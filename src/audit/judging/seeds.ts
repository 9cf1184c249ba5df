import { counts } from "../counting.ts";
import {
  type CandidateResult,
  type Cell,
  type CrossTask,
  type MissingResult,
  rightOf,
  type SeedSummary,
} from "../results/index.ts";
import { crossedInterval } from "../statistics/index.ts";
import type { Grouped } from "../suite/index.ts";
import { idsOf, lostAttacks } from "./lacking.ts";
import { replaysOn, robustInAll } from "./worst-case.ts";

/** What a mean is of. */
type Place = Pick<SeedSummary, "candidate" | "defense" | "threatModel">;

/** Names that stand for all trainings of a candidate, and these. */
function replicasOf(
  candidates: readonly Pick<CandidateResult, "id" | "replica">[],
): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const { id, replica } of candidates)
    if (replica) all.set(replica.of, [...(all.get(replica.of) ?? []), id]);
  return all;
}

/**
 * For each candidate of several seeds, behind each defence, clean and under each
 * threat model: the mean accuracy over seeds, how far seeds lie apart, and how
 * much the choice of samples adds. Seeds and samples are crossed (every model
 * saw the same samples), so the two are told apart: the deviation of the means of
 * seeds, and the standard error of the mean over samples. The interval has both; see
 * `crossedInterval`. Nothing where fewer than two seeds were audited.
 *
 * @param planned the candidates of the suite, also those that are missing
 * @param missing what was planned and has no result: a mean says what it is without
 */
export function seedSummaries(
  cells: readonly Cell[],
  candidates: readonly CandidateResult[],
  crossTask: readonly CrossTask[] = [],
  planned: readonly Grouped[] = [],
  missing: readonly MissingResult[] = [],
): SeedSummary[] {
  const counted = cells.filter(counts);
  return [...replicasOf(candidates)].flatMap(([of, ids]) => {
    const own = counted.filter((c) => ids.includes(c.candidate));
    const places = new Map(
      own.flatMap(({ defense, threatModel }) => [
        [`${defense}\n`, { defense, threatModel: null as string | null }],
        [
          `${defense}\n${threatModel.id}`,
          { defense, threatModel: threatModel.id },
        ],
      ]),
    );
    return [...places.values()].flatMap(({ defense, threatModel }) => {
      const rows = ids.flatMap((id) => {
        const all = own.filter(
          (c) => c.candidate === id && c.defense === defense,
        );
        const right =
          threatModel === null
            ? rightClean(all)
            : robustInAll(
                all.filter((c) => c.threatModel.id === threatModel),
                replaysOn(crossTask, id, defense, threatModel),
              );
        return right.length > 0 ? [{ id, right }] : [];
      });
      if (rows.length < 2) return [];
      const place = { candidate: of, defense, threatModel };
      const audited = rows.map(({ id }) => id);
      return {
        ...place,
        ...crossed(rows.map(({ right }) => right)),
        ...lacking(place, audited, planned, lostAttacks(missing)),
      };
    });
  });
}

/** What a mean over these seeds is without. */
function lacking(
  { candidate, defense, threatModel }: Place,
  audited: readonly string[],
  planned: readonly Grouped[],
  lost: readonly MissingResult[],
): Pick<SeedSummary, "planned" | "missing"> {
  const here = lost.filter(
    (one) =>
      one.defense === defense &&
      (threatModel === null || one.threatModel === threatModel),
  );
  const seeds = planned.filter(
    ({ id, replica }) =>
      replica?.of === candidate &&
      !audited.includes(id) &&
      here.some((one) => one.candidate === id),
  );
  // Clean accuracy is the same, whatever attacks there are.
  const attacks =
    threatModel === null
      ? []
      : here.filter((one) => audited.includes(one.candidate ?? ""));
  return {
    planned: seeds.length > 0 ? audited.length + seeds.length : undefined,
    missing: idsOf([...seeds, ...attacks]),
  };
}

/** Of each sample, whether it is right without an attack. */
function rightClean(cells: readonly Cell[]): boolean[] {
  const [first = [], ...others] = cells.map((c) => rightOf(c.outcomes));
  return first.map((right, i) => right && others.every((other) => other[i]));
}

/** What rows of seeds and columns of samples say. */
function crossed(
  rows: readonly (readonly boolean[])[],
): Omit<SeedSummary, keyof Place | "planned" | "missing"> {
  const samples = rows[0]?.length ?? 0;
  const values = rows.map((row) => mean(row.map(Number)));
  const perSample = Array.from({ length: samples }, (_, i) =>
    mean(rows.map((row) => Number(row[i]))),
  );
  const ofSamples = samples > 1 ? variance(perSample) / samples : 0;
  return {
    values,
    mean: mean(values),
    betweenSeeds: Math.sqrt(variance(values)),
    samplingError: Math.sqrt(ofSamples),
    ...crossedInterval(rows),
  };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

/** Of a sample: over n - 1. */
function variance(values: readonly number[]): number {
  const middle = mean(values);
  return (
    values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1)
  );
}
