import { UsageError } from "#core";
import { counts } from "../counting.ts";
import { isNamed, type Suite } from "../suite/index.ts";
import type { PlannedCell } from "./cells.ts";

/**
 * Cells of one candidate, defence and threat model whose samples are attacked, by all
 * attacks alike, until the rules of the gate about them are decided.
 */
export interface PlannedDecision
  extends Pick<PlannedCell, "candidate" | "defense" | "threatModel"> {
  /** Those that count. */
  readonly cells: readonly PlannedCell[];
  /** What robust accuracy has to reach, by each rule about it. */
  readonly limits: readonly number[];
  /** About how many numbers the gate has, which share the chance that it fails. */
  readonly rows: number;
}

type Place = Pick<PlannedCell, "candidate" | "defense" | "threatModel">;

/**
 * The cells of a suite, without those that rules with `decide` are about, and these.
 *
 * @throws SUITE_INVALID where the numbers of those are asked for by others too, or
 *   samples cannot be attacked one after the other
 */
export function decisionsOf(
  suite: Suite,
  all: readonly PlannedCell[],
  file: string,
): { cells: PlannedCell[]; decisions: PlannedDecision[] } {
  const { gate, candidates } = suite;
  const isAbout = (limits: Partial<Place>, place: Place): boolean =>
    (["defense", "threatModel"] as const).every(
      (key) => limits[key] === undefined || limits[key] === place[key],
    ) &&
    isNamed(
      limits.candidate === undefined ? undefined : [limits.candidate],
      candidates[place.candidate]!,
    );
  const rules = gate.flatMap(({ robustAccuracy }) => robustAccuracy ?? []);
  const isDecided = (cell: PlannedCell) =>
    cell.probed && rules.some((one) => one.decide && isAbout(one, cell));
  const groups = new Map<string, PlannedCell[]>();
  for (const cell of all.filter(isDecided)) {
    const { candidate, defense, threatModel } = cell;
    const key = JSON.stringify([candidate, defense, threatModel]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const rows = gate.length + groups.size * Math.max(1, rules.length);
  const decisions = [...groups.values()].map((cells): PlannedDecision => {
    const { candidate, defense, threatModel } = cells[0]!;
    const place = { candidate, defense, threatModel };
    const refuse = (why: string) => {
      throw new UsageError(
        "SUITE_INVALID",
        `${file}: gate: decide: ${why}`,
        "Leave decide out, or have the rule name other candidates, defences or threat models.",
      );
    };
    const { replica, trunk } = candidates[candidate]!;
    if (replica ?? trunk)
      refuse(
        `${candidate} is one of several ${replica ? "seeds" : "tasks"}, whose numbers are needed as a whole`,
      );
    const universal = cells.find((c) => c.chosen.unit.family === "universal");
    if (universal)
      refuse(
        `${universal.attack} makes one perturbation for all samples, so they cannot be attacked one after the other`,
      );
    const other = gate.find(
      ({ attackSuccess, regression }) =>
        (attackSuccess && isAbout(attackSuccess, place)) ??
        (regression?.robustAccuracy && isAbout(regression, place)),
    );
    if (other)
      refuse(
        `a rule of ${other.regression ? "regression" : "attackSuccess"} needs all samples of ${candidate} / ${defense} / ${threatModel}`,
      );
    return {
      ...place,
      cells: cells.filter(counts),
      limits: rules.filter((one) => isAbout(one, place)).map(({ min }) => min),
      rows,
    };
  });
  return { cells: all.filter((cell) => !isDecided(cell)), decisions };
}
