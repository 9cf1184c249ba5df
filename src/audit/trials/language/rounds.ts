import type { LanguageAttack, Way } from "#attacks";

/** An attack or its control. */
export type By = Omit<LanguageAttack, "params">;

type Params = Record<string, unknown>;

/** Some settings of an attack, gone up to a level with so many seeds. */
export interface Round {
  readonly until: number;
  readonly settings: number;
  readonly seeds: number;
}

/** One by one of its ways, up to a level. */
export interface Walk {
  readonly by: By;
  readonly place: number;
  readonly way: Way;
  readonly until: number;
  /** Which part of the trial it is, whatever its way turns out to be. */
  readonly name: string;
}

/**
 * The rounds of an attack: one of all ways up to the last level, or, where it
 * searches, successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): all
 * settings with one seed up to an early level, the better half of them up to the next,
 * and the last two or so to the end with all seeds.
 */
export function roundsOf(by: By, params: Params): Round[] {
  const ways = by.ways(params);
  const levels = by.levels(params);
  const settings = new Set(ways.map((way) => way.settings)).size;
  const seeds = ways.length / settings;
  const count = by.searches?.(params)
    ? Math.max(1, Math.min(levels.length, Math.floor(Math.log2(settings))))
    : 1;
  return Array.from({ length: count }, (_, k) => ({
    until: levels.at(k - count) as number,
    settings: Math.ceil(settings / 2 ** k),
    seeds: k === count - 1 ? seeds : 1,
  }));
}

/**
 * The walks of a round.
 *
 * @param still names of settings, best first; the round takes as many as it has
 */
export function walksOf(
  by: By,
  params: Params,
  round: number,
  still?: readonly string[],
): Walk[] {
  const rounds = roundsOf(by, params);
  const { until, settings, seeds } = rounds[round] as Round;
  const ways = by.ways(params).map((way, place) => ({ way, place }));
  const names = still ?? [...new Set(ways.map(({ way }) => way.settings))];
  return names.slice(0, settings).flatMap((name, rank) =>
    ways
      .filter(({ way }) => way.settings === name)
      .slice(0, seeds)
      .map(({ way, place }, seed) => ({
        ...{ by, place, way, until },
        name:
          rounds.length === 1
            ? `${by.id}, ${way.name}`
            : `${by.id}, round ${round + 1}, ${rank + 1} of ${settings}, seed ${seed + 1}`,
      })),
  );
}

/** The rounds in words. */
export const inWords = (rounds: readonly Round[], unit: string): string =>
  rounds
    .map(
      ({ settings, seeds, until }) =>
        `${settings} up to ${until} ${unit}${seeds > 1 ? ` with ${seeds} seeds` : ""}`,
    )
    .join(", ");
