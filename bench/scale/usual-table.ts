import type { UsualRow, UsualTable } from "#audit";
import type { Trace } from "./trace.ts";

/** What works of a kind and unit took in one run, in the mean. */
interface Point {
  readonly kind: string;
  readonly unit: string | undefined;
  readonly suite: string;
  readonly count: number;
  readonly size: number;
  readonly seconds: number;
}

/** Seconds to begin, and for each pass. */
interface Line {
  readonly begin: number;
  readonly slope: number;
}

/**
 * Passes of a step of training for each of its samples, by which the others count.
 */
const TRAINING = 3;

/** Runs as which the kind of a unit counts beside those of its own. */
const LIKE_ITS_KIND = 0.3;

/** Rounds after which nothing changes that is written. */
const ROUNDS = { passes: 10, line: 300 };

/** The suite of a trace, as a whole or as a smoke run: models are the same. */
export const suiteOf = ({ suite }: Pick<Trace, "suite">): string =>
  suite.split(" ")[0]!;

/**
 * What works usually take, from recorded runs: of each kind and unit the seconds to
 * begin and the passes for each unit of size. What a pass took in a run is told by
 * its trainings, since these come first in a run. Each run counts as much as any
 * other.
 */
export function usualTable(traces: readonly Trace[]): UsualTable {
  const points = traces.flatMap(pointsOf);
  const trainings = points.filter(({ kind }) => kind === "model");
  let passes = passesOf(trainings, 0);
  for (let round = 0; round < ROUNDS.passes; round++)
    passes = passesOf(trainings, fitted(trainings, passes).begin);
  const rows: UsualRow[] = [];
  for (const [kind, ofKind] of grouped(points, ({ kind }) => kind)) {
    const line = fitted(ofKind, passes);
    rows.push(rowOf(kind, line));
    for (const [unit, some] of grouped(ofKind, ({ unit }) => unit))
      if (unit !== undefined)
        rows.push(rowOf(`${kind} ${unit}`, fitted(some, passes, line)));
  }
  const logs = [...passes.values()].map(Math.log);
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  return { pass: Number(Math.exp(mean).toPrecision(2)), rows };
}

const rowOf = (name: string, { begin, slope }: Line): UsualRow => [
  name,
  Number(begin.toFixed(4)),
  Number(Number(slope.toPrecision(2)).toFixed(4)),
];

const pointsOf = ({ suite, works }: Trace): Point[] =>
  Array.from(
    grouped(works, ({ kind, sort = [] }) => JSON.stringify([kind, sort[0]])),
    ([, some]) => {
      const { kind, sort } = some[0]!;
      const sum = (of: "size" | "seconds") =>
        some.reduce((all, work) => all + work[of], 0) / some.length;
      return {
        ...{ kind, suite: suiteOf({ suite }), count: some.length },
        ...{ unit: sort?.[0], size: sum("size"), seconds: sum("seconds") },
      };
    },
  );

/** Seconds of a pass in each suite, by its trainings. */
const passesOf = (
  trainings: readonly Point[],
  begin: number,
): ReadonlyMap<string, number> =>
  new Map(
    Array.from(
      grouped(trainings, ({ suite }) => suite),
      ([suite, some]) => {
        let [seconds, passes] = [0, 0];
        for (const point of some) {
          seconds += point.count * Math.max(0, point.seconds - begin);
          passes += point.count * point.size * TRAINING;
        }
        return [suite, seconds / passes];
      },
    ),
  );

/**
 * The line through what works took, by passes, as of numbers that are further off
 * where they are greater (Poisson's): both ends are at least 0, and their sum is met.
 * Found by expectation and maximisation.
 *
 * @param like that of their kind
 */
function fitted(
  points: readonly Point[],
  passes: ReadonlyMap<string, number>,
  like?: Line,
): Line {
  const all = points.map(({ size, seconds, suite }) => ({
    x: size * passes.get(suite)!,
    y: seconds,
    weight: 1,
  }));
  if (like)
    for (const x of [0, ...all.map((one) => one.x)]) {
      const weight = LIKE_ITS_KIND / (x === 0 ? 1 : points.length);
      all.push({ x, y: like.begin + like.slope * x, weight });
    }
  let line: Line = { begin: 0.01, slope: 1 };
  for (let round = 0; round < ROUNDS.line; round++) {
    let [begin, slope, ones, xs] = [0, 0, 0, 0];
    for (const { x, y, weight } of all) {
      const share = (weight * y) / (line.begin + line.slope * x);
      begin += share * line.begin;
      slope += share * line.slope * x;
      ones += weight;
      xs += weight * x;
    }
    line = { begin: begin / ones, slope: slope / xs };
  }
  return line;
}

/** Items by what they have in common, in the order of the first of each. */
function grouped<T, K>(items: readonly T[], by: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group) group.push(item);
    else groups.set(by(item), [item]);
  }
  return groups;
}
