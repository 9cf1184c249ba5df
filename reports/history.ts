import { canonicalJson, percent } from "#core";
import type { Chart, Rate, Results } from "#results";
import { mainThreats, plain } from "./format.ts";

/** A run among others of its kind. */
export interface PastRun {
  /** Where it was read from. */
  readonly name: string;
  readonly results: Results;
}

/** How the numbers of a candidate went from run to run. */
export interface Trend {
  readonly candidate: string;
  readonly chart: Chart;
  /** Numbers that are not trusted, in words. */
  readonly untrusted: readonly string[];
}

/** Runs in the order in which they were started. */
export const inOrder = (runs: readonly PastRun[]): PastRun[] =>
  runs.toSorted((a, b) =>
    a.results.timing.startedAt < b.results.timing.startedAt ? -1 : 1,
  );

/**
 * Clean accuracy and worst cases of each undefended candidate, run by run. Where threat
 * model or attacks change, another line begins: the numbers before and after are not of
 * the same thing.
 *
 * @param runs in order
 */
export function trendsOf(runs: readonly PastRun[]): Trend[] {
  const candidates = new Set(
    runs.flatMap(({ results }) => results.candidates.map(({ id }) => id)),
  );
  return Array.from(candidates, (candidate) => {
    const lines = new Map<string, Chart["lines"][number]>();
    const untrusted: string[] = [];
    for (const [i, { results }] of runs.entries())
      for (const number of numbersOf(candidate, results)) {
        const { key, name, rate } = number;
        const isFirst = !Array.from(lines.values()).some((l) =>
          l.name.startsWith(name),
        );
        const line = lines.get(key) ?? {
          name: isFirst ? name : `${name} from ${i + 1}`,
          points: [],
        };
        lines.set(key, line);
        line.points.push({
          x: i + 1,
          y: rate.value,
          low: rate.low,
          high: rate.high,
        });
        if (!number.trusted)
          untrusted.push(`run ${i + 1}, ${name}: ${percent(rate.value)}`);
      }
    return {
      candidate: plain(candidate),
      untrusted,
      chart: {
        id: "history",
        title: `Accuracy of ${plain(candidate)}`,
        x: { label: "run", scale: "linear" },
        y: { label: "accuracy", scale: "share" },
        lines: [...lines.values()],
      },
    };
  });
}

interface Point {
  /** The same in two runs where the number is of the same thing. */
  readonly key: string;
  readonly name: string;
  readonly rate: Rate;
  readonly trusted: boolean;
}

function numbersOf(candidate: string, results: Results): Point[] {
  const found = results.candidates.find(({ id }) => id === candidate);
  if (!found) return [];
  const threats = mainThreats(results);
  return [
    {
      key: "clean",
      name: "clean",
      rate: found.cleanAccuracy,
      trusted: found.guesses !== true,
    },
    ...results.worstCases
      .filter((w) => w.candidate === candidate && w.defense === "none")
      .flatMap((worst): Point[] => {
        const threat = threats.find(({ id }) => id === worst.threatModel);
        if (!threat) return [];
        const attacks = results.attacks
          .filter(({ id }) => worst.attacks.includes(id))
          .map(({ title, params }) => [title, params]);
        return [
          {
            key: canonicalJson([threat, attacks]),
            name: plain(threat.id),
            rate: worst.robustAccuracy,
            trusted: worst.trusted,
          },
        ];
      }),
  ];
}
