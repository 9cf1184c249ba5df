import { PASS, rows } from "./usual-table.ts";
import type { Work } from "./work.ts";

/** What works usually take, whatever the machine and the model. */
export interface UsualTable {
  /** Seconds of a pass of a sample, forth and back, where nothing is known of it. */
  readonly pass: number;
  /**
   * By kinds, and by kinds with their units: seconds whatever the size, since models
   * are opened and what is found is kept, and passes for each unit of size. Steps of
   * training move weights too, attacks end early, and probes try less or more than is
   * planned.
   */
  readonly rows: readonly UsualRow[];
}

export type UsualRow = readonly [name: string, begin: number, passes: number];

export interface Usual {
  readonly pass: number;
  of(work: Pick<Work, "kind" | "sort">): {
    readonly begin: number;
    readonly passes: number;
  };
}

/** Of a kind of which no run was recorded. */
const NOTHING = { begin: 0.02, passes: 1 };

/** Of each work what its unit usually takes, or its kind where that is not known. */
export function usualBy({ pass, rows }: UsualTable): Usual {
  const known = new Map(
    rows.map(([name, begin, passes]) => [name, { begin, passes }]),
  );
  return {
    pass,
    of: ({ kind, sort: [unit] = [] }) =>
      known.get(`${kind} ${unit}`) ?? known.get(kind) ?? NOTHING,
  };
}

export const usual: Usual = usualBy({ pass: PASS, rows });
