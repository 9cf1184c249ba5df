import { counts } from "../counting.ts";
import {
  type CandidateResult,
  type Cell,
  type CrossTask,
  rightOf,
  type SeedSummary,
} from "../results/index.ts";
import { crossedInterval } from "../statistics/index.ts";
import { replaysOn, robustInAll } from "./worst-case.ts";

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
 */
export function seedSummaries(
  cells: readonly Cell[],
  candidates: readonly CandidateResult[],
  crossTask: readonly CrossTask[] = [],
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
      const rows = ids.map((id) => {
        const all = own.filter(
          (c) => c.candidate === id && c.defense === defense,
        );
        if (threatModel === null) return rightClean(all);
        return robustInAll(
          all.filter((c) => c.threatModel.id === threatModel),
          replaysOn(crossTask, id, defense, threatModel),
        );
      });
      const audited = rows.filter((row) => row.length > 0);
      return audited.length > 1
        ? [{ candidate: of, defense, threatModel, ...crossed(audited) }]
        : [];
    });
  });
}

/** Of each sample, whether it is right without an attack. */
function rightClean(cells: readonly Cell[]): boolean[] {
  const [first = [], ...others] = cells.map((c) => rightOf(c.outcomes));
  return first.map((right, i) => right && others.every((other) => other[i]));
}

/** What rows of seeds and columns of samples say. */
function crossed(
  rows: readonly (readonly boolean[])[],
): Omit<SeedSummary, "candidate" | "defense" | "threatModel"> {
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
