import { defenses, PASS, rows } from "./usual-table.ts";
import type { InFront, Work } from "./work.ts";

/** What works usually take, whatever the machine and the model. */
export interface UsualTable {
  /** Seconds of a pass of a sample, forth and back, where nothing is known of it. */
  readonly pass: number;
  /**
   * By kinds, by kinds with their units, and with the norm of an attack: seconds
   * whatever the size, since models are opened and what is found is kept, and passes
   * for each unit of size. Steps of training move weights too, attacks end early, and
   * probes try less or more than is planned.
   */
  readonly rows: readonly UsualRow[];
  /** Of parts of defences, seconds of a pass of a number of a sample. */
  readonly defenses: readonly UsualDefense[];
}

export type UsualRow = readonly [name: string, begin: number, passes: number];

export type UsualDefense = readonly [unit: string, seconds: number];

export interface Usual {
  readonly pass: number;
  /**
   * @returns seconds to begin, and for each unit of size passes, and seconds in the
   *   defence in front of the model
   */
  of(work: Pick<Work, "kind" | "sort" | "defense">): {
    readonly begin: number;
    readonly passes: number;
    readonly inFront: number;
  };
}

/** Of a kind of which no run was recorded. */
const NOTHING = { begin: 0.02, passes: 1 };

const NOBODY: InFront = { units: [], values: 0 };

/**
 * Of each work what its unit usually takes under its norm, or else its unit, or its
 * kind where that is not known.
 */
export function usualBy({ pass, rows, defenses }: UsualTable): Usual {
  const known = new Map(
    rows.map(([name, begin, passes]) => [name, { begin, passes }]),
  );
  const through = new Map(defenses);
  return {
    pass,
    of({ kind, sort: [unit, norm] = [], defense = NOBODY }) {
      const { units, values } = defense;
      const { begin, passes } =
        known.get(`${kind} ${unit} ${norm}`) ??
        known.get(`${kind} ${unit}`) ??
        known.get(kind) ??
        NOTHING;
      let seconds = 0;
      for (const one of units) seconds += through.get(one) ?? 0;
      return { begin, passes, inFront: passes * values * seconds };
    },
  };
}

export const usual: Usual = usualBy({ pass: PASS, rows, defenses });
