import { counts } from "../counting.ts";
import {
  type CandidateResult,
  type Cell,
  type CrossTask,
  rightOf,
  type SeedSummary,
} from "../results/index.ts";
import { studentQuantile } from "../statistics/index.ts";
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
 * seeds, and the standard error of the mean over samples. The interval has both,
 * by Student's t with the degrees of freedom of Satterthwaite (1946).
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
    return [...places.values()].map(({ defense, threatModel }) => {
      const matrix = ids.map((id) => {
        const all = own.filter(
          (c) => c.candidate === id && c.defense === defense,
        );
        if (threatModel === null) return rightClean(all);
        return robustInAll(
          all.filter((c) => c.threatModel.id === threatModel),
          replaysOn(crossTask, id, defense, threatModel),
        ).map(Number);
      });
      return { candidate: of, defense, threatModel, ...crossed(matrix) };
    });
  });
}

/** Of each sample, 1 where it is right without an attack, else 0. */
function rightClean(cells: readonly Cell[]): number[] {
  const [first = [], ...others] = cells.map((c) => rightOf(c.outcomes));
  return first.map((right, i) =>
    right && others.every((other) => other[i]) ? 1 : 0,
  );
}

/** What rows of seeds and columns of samples say. */
function crossed(
  matrix: readonly (readonly number[])[],
): Omit<SeedSummary, "candidate" | "defense" | "threatModel"> {
  const seeds = matrix.length;
  const samples = matrix[0]?.length ?? 0;
  const values = matrix.map(mean);
  const perSample = Array.from({ length: samples }, (_, i) =>
    mean(matrix.map((row) => row[i]!)),
  );
  const middle = mean(values);
  const ofSeeds = variance(values) / seeds;
  const ofSamples = samples > 1 ? variance(perSample) / samples : 0;
  const freedom =
    (ofSeeds + ofSamples) ** 2 /
    (ofSeeds ** 2 / (seeds - 1) + ofSamples ** 2 / Math.max(1, samples - 1));
  const reach = Number.isFinite(freedom)
    ? studentQuantile(0.975, freedom) * Math.sqrt(ofSeeds + ofSamples)
    : 0;
  return {
    values,
    mean: middle,
    betweenSeeds: Math.sqrt(variance(values)),
    samplingError: Math.sqrt(ofSamples),
    low: Math.max(0, middle - reach),
    high: Math.min(1, middle + reach),
  };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);

/** Of a sample: over n - 1. */
function variance(values: readonly number[]): number {
  const middle = mean(values);
  return (
    values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1)
  );
}
