import { counts, UNDEFENDED } from "../counting.ts";
import type { MissingResult } from "../results/index.ts";
import type { GateConfig, Grouped, Limits, Metric } from "../suite/index.ts";
import { taskOf } from "./groups.ts";
import { type GateInput, named, type Place, selects } from "./input.ts";

/**
 * What is missing and bears on a number. Attacks that were not made could have broken
 * more, and cells of a candidate under one norm judge each other. Where no cell shows
 * how a model answers clean samples, nobody knows whether it guesses.
 *
 * @param of what the number was measured on
 * @param under id of the threat model of what was attacked; undefined where no attack
 *   changes the number
 */
export function missingBehind(
  of: readonly Place[],
  under: string | undefined,
  { missing = [], cells, threatModels, planned }: GateInput,
): MissingResult[] {
  const normOf = (id: string | undefined) =>
    threatModels.find((one) => one.id === id)?.norm;
  const trunkOf = (id: string | undefined) =>
    planned.find((one) => one.id === id)?.member?.of;
  const isUnseen = ({ candidate, defense = UNDEFENDED }: Place) =>
    !cells.some((c) => c.candidate === candidate && c.defense === defense);
  const bearsOn = (one: MissingResult, place: Place): boolean => {
    const isOwn = one.candidate === place.candidate;
    if (one.what === "candidate") return isOwn;
    if (one.what !== "cell" && one.what !== "heads") return false;
    const { candidate, defense = UNDEFENDED } = place;
    const isBehind = one.defense === defense;
    if (isOwn && isBehind && isUnseen(place)) return true;
    if (under === undefined || normOf(one.threatModel) !== normOf(under))
      return false;
    // What is made through one head is given to the others of its trunk.
    const trunk = trunkOf(candidate);
    const isKin =
      isOwn || (trunk !== undefined && trunk === trunkOf(one.candidate));
    return isKin && (isBehind || one.defense === UNDEFENDED);
  };
  return missing.filter((one) => of.some((place) => bearsOn(one, place)));
}

/** A number that a rule selects, and that is not there at all. */
export interface Untold {
  readonly name: string;
  readonly what: string;
  readonly unit: "%" | "points" | "";
  readonly missing: readonly MissingResult[];
}

/** The numbers that a rule selects, and that are not there at all. */
export function untoldBy(rule: GateConfig[number], run: GateInput): Untold[] {
  const found = new Map<string, Untold>();
  for (const one of run.missing ?? [])
    for (const lost of lostTo(rule, one, run)) {
      const known = found.get(lost.name)?.missing ?? [];
      found.set(lost.name, { ...lost, missing: [...known, one] });
    }
  return [...found.values()];
}

type Lost = Omit<Untold, "missing">;

const lostTo = (
  rule: GateConfig[number],
  one: MissingResult,
  run: GateInput,
): Lost[] =>
  (Object.keys(byMetric) as Metric[]).flatMap((metric) => {
    const limits = rule[metric];
    return limits ? byMetric[metric](limits as never, one, run) : [];
  });

/** The numbers of each metric that are not there for want of something. */
const byMetric: {
  [M in Metric]: (
    limits: Limits[M],
    one: MissingResult,
    run: GateInput,
  ) => Lost[];
} = {
  robustAccuracy(limits, one, { worstCases, seeds, planned }) {
    if (one.what !== "cell" || !isCounted(one)) return [];
    const { defense, threatModel } = one;
    const at = (candidate: string | undefined, all: readonly At[]) =>
      candidate !== undefined &&
      selects(limits, { ...one, candidate }) &&
      !all.some(
        (there) =>
          there.candidate === candidate &&
          there.defense === defense &&
          there.threatModel === threatModel,
      );
    const of = seedsOf(one, planned);
    return [
      ...(at(one.candidate, worstCases)
        ? [lost("Robust accuracy", one.candidate, defense, threatModel)]
        : []),
      ...(at(of, seeds)
        ? [lost("Mean robust accuracy over seeds", of, defense, threatModel)]
        : []),
    ];
  },
  cleanAccuracy(limits, one, { candidates, cells, seeds, planned }) {
    const { what, candidate, defense = UNDEFENDED } = one;
    if (what !== "candidate" && what !== "cell") return [];
    const isThere =
      defense === UNDEFENDED
        ? candidates.some(({ id }) => id === candidate)
        : cells.some((c) => c.candidate === candidate && c.defense === defense);
    const of = what === "cell" && isCounted(one) && seedsOf(one, planned);
    const isMean = seeds.some(
      (s) =>
        s.candidate === of && s.defense === defense && s.threatModel === null,
    );
    return [
      ...(!isThere && selects(limits, { candidate, defense })
        ? [lost("Clean accuracy", candidate, defense)]
        : []),
      ...(of && !isMean && selects(limits, { candidate: of, defense })
        ? [lost("Mean clean accuracy over seeds", of, defense)]
        : []),
    ];
  },
  cleanAccuracyDrop({ than, candidate }, one, { planned }) {
    const reference = referenceOf(than, planned);
    if (one.what !== "candidate" || !reference) return [];
    return planned
      .filter((p) => p !== reference && taskOf(p) === taskOf(reference))
      .filter(({ id }) => candidate === undefined || id === candidate)
      .filter(({ id }) => one.id === id || one.id === reference.id)
      .map(({ id }) => ({
        name: `${id} against ${reference.id}`,
        what: `The drop in clean accuracy from ${reference.id}`,
        unit: "points",
      }));
  },
  attackSuccess(limits, one) {
    if (one.what !== "cell" || !isCounted(one)) return [];
    const { candidate, defense, attack, threatModel } = one;
    return selects(limits, one)
      ? [lost("Attack success", candidate, defense, attack, threatModel)]
      : [];
  },
  certifiedAccuracy({ radius, sigma, candidate }, one) {
    if (one.what !== "certificate" || !selects({ candidate }, one)) return [];
    if (sigma !== undefined && one.sigma !== sigma) return [];
    const what = `Certified accuracy at a radius of ${radius}`;
    return [lost(what, one.candidate, `smoothed by ${one.sigma}`)];
  },
  // The comparison says what the baseline has and the run has not.
  regression: () => [],
  trial: (limits, one) =>
    one.what === "trial" && selects(limits, one)
      ? [{ name: one.id, what: "What the trial finds", unit: "" }]
      : [],
};

type At = {
  candidate: string;
  defense: string;
  threatModel: string | null;
};

const lost = (what: string, ...place: (string | undefined)[]): Lost => ({
  name: named(...place),
  what,
  unit: "%",
});

const isCounted = ({ defense, adaptive }: MissingResult): boolean =>
  defense !== undefined && counts({ defense, adaptive: adaptive === true });

/** The name for all seeds of a candidate. */
const seedsOf = (
  { candidate }: MissingResult,
  planned: readonly Grouped[],
): string | undefined =>
  planned.find(({ id }) => id === candidate)?.replica?.of;

/** What clean accuracy is compared with: the first that was planned, unless named. */
export const referenceOf = (
  than: string | undefined,
  planned: readonly Grouped[],
): Grouped | undefined =>
  than === undefined ? planned[0] : planned.find(({ id }) => id === than);
