import type { UsualTable } from "#audit";
import type { Trace, TracedWork } from "./trace.ts";

/** What works of a kind and unit took in one run, in the mean. */
interface Point {
  readonly kind: string;
  readonly unit?: string | undefined;
  readonly norm?: string | undefined;
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

/** Kinds of works of attacks, whose threat model tells too: some bounds take longer. */
const BY_NORM: ReadonlySet<string> = new Set(["examples", "probes"]);

/** Rounds after which nothing changes that is written. */
const ROUNDS = { passes: 10, line: 300, defenses: 5 };

/** The suite of a trace, as a whole or as a smoke run: models are the same. */
export const suiteOf = ({ suite }: Pick<Trace, "suite">): string =>
  suite.split(" ")[0]!;

/** What is told of works: of a pass in each suite, of kinds and units, of defences. */
interface Told {
  readonly passes: ReadonlyMap<string, number>;
  readonly lines: ReadonlyMap<string, Line>;
  readonly defenses: ReadonlyMap<string, number>;
}

/**
 * What works usually take, from recorded runs: of each kind and unit the seconds to
 * begin and the passes for each unit of size, and of each part of a defence the seconds
 * of a number of a sample. What a pass took in a run is told by its trainings, since
 * these come first in a run. Each run counts as much as any other.
 */
export function usualTable(traces: readonly Trace[]): UsualTable {
  let defenses: Told["defenses"] = new Map();
  let told = linesOf(traces, defenses);
  for (let round = 0; round < ROUNDS.defenses; round++) {
    defenses = defensesOf(traces, told);
    told = linesOf(traces, defenses, told);
  }
  const logs = [...told.passes.values()].map(Math.log);
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  return {
    pass: Number(Math.exp(mean).toPrecision(2)),
    rows: Array.from(told.lines, ([name, { begin, slope }]) => [
      name,
      Number(begin.toFixed(4)),
      Number(Number(slope.toPrecision(2)).toFixed(4)),
    ]),
    defenses: Array.from(defenses, ([unit, seconds]) => [
      unit,
      Number(seconds.toPrecision(2)),
    ]),
  };
}

/** Lines through what works took besides what their defences did. */
function linesOf(
  traces: readonly Trace[],
  defenses: Told["defenses"],
  before?: Told,
): Told {
  const points = traces.flatMap((trace) =>
    pointsOf(trace, (work) =>
      before ? inFrontOf(work, { ...before, defenses }) : 0,
    ),
  );
  const trainings = points.filter(({ kind }) => kind === "model");
  let passes = passesOf(trainings, 0);
  for (let round = 0; round < ROUNDS.passes; round++)
    passes = passesOf(trainings, fitted(trainings, passes).begin);
  const lines = new Map<string, Line>();
  for (const [kind, ofKind] of grouped(points, ({ kind }) => kind)) {
    const line = fitted(ofKind, passes);
    lines.set(kind, line);
    for (const [unit, some] of grouped(ofKind, ({ unit }) => unit)) {
      if (unit === undefined) continue;
      const ofUnit = fitted(some, passes, line);
      lines.set(nameOf({ kind, unit }), ofUnit);
      for (const [norm, few] of grouped(some, ({ norm }) => norm))
        if (norm !== undefined)
          lines.set(nameOf({ kind, unit, norm }), fitted(few, passes, ofUnit));
    }
  }
  return { passes, lines, defenses };
}

/** Seconds of a number of a sample in each part of a defence, over all runs. */
function defensesOf(traces: readonly Trace[], told: Told): Map<string, number> {
  const sums = new Map<string, { seconds: number; numbers: number }>();
  for (const { suite, works } of traces)
    for (const work of works)
      for (const unit of work.defense?.units ?? []) {
        const { begin, slope } = lineOf(work, told);
        const without = begin + slope * work.size * passIn(suite, told);
        const others = inFrontOf(work, told) - inFrontOf(work, told, unit);
        const { seconds, numbers } = sums.get(unit) ?? NOTHING;
        sums.set(unit, {
          seconds: seconds + work.seconds - without - others,
          numbers: numbers + slope * work.size * work.defense!.values,
        });
      }
  return new Map(
    Array.from(sums, ([unit, { seconds, numbers }]) => [
      unit,
      numbers > 0 ? Math.max(0, seconds / numbers) : 0,
    ]),
  );
}

const NOTHING = { seconds: 0, numbers: 0 };

/** Seconds of a work in its defence, or in one part of it. */
function inFrontOf(work: TracedWork, told: Told, part?: string): number {
  const { units = [], values = 0 } = work.defense ?? {};
  let each = 0;
  for (const unit of units)
    if (part === undefined || unit === part)
      each += told.defenses.get(unit) ?? 0;
  return each * values * work.size * lineOf(work, told).slope;
}

const lineOf = (work: TracedWork, { lines }: Told): Line =>
  lines.get(nameOf(likeOf(work)))!;

const passIn = (suite: string, { passes }: Told): number =>
  passes.get(suiteOf({ suite }))!;

type Like = Pick<Point, "kind" | "unit" | "norm">;

const likeOf = ({ kind, sort: [unit, second] = [] }: TracedWork): Like => ({
  ...{ kind, unit },
  norm: BY_NORM.has(kind) ? second : undefined,
});

const nameOf = ({ kind, unit, norm }: Like): string =>
  [kind, unit, norm].filter((part) => part !== undefined).join(" ");

/** @param apart seconds of a work that are no matter of its kind */
const pointsOf = (
  { suite, works }: Trace,
  apart: (work: TracedWork) => number,
): Point[] =>
  Array.from(
    grouped(works, (work) => JSON.stringify(likeOf(work))),
    ([, some]) => {
      const mean = (of: (work: TracedWork) => number) =>
        some.reduce((all, work) => all + of(work), 0) / some.length;
      return {
        ...likeOf(some[0]!),
        ...{ suite: suiteOf({ suite }), count: some.length },
        size: mean(({ size }) => size),
        seconds: mean((work) => Math.max(0, work.seconds - apart(work))),
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
