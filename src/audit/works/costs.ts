import { type Usual, usual } from "./usual.ts";
import type { Work } from "./work.ts";

type Like = Pick<Work, "kind" | "sort" | "defense">;

type Sized = Like & Pick<Work, "size">;

/** What works cost, as it is learned from those that end. */
export interface Costs {
  /**
   * Whether anything was learned of a work: of its unit, where it has one, since other
   * units of its kind say nothing of it, or else of its kind.
   */
  knows(work: Like): boolean;
  /**
   * Seconds of a work: what others took that are most like it by their sort, or what
   * such a work usually takes, by what a pass takes here.
   *
   * @param pass seconds, where that was measured
   */
  secondsOf(work: Sized, pass?: number): number;
  /** Seconds that it takes whatever its size. */
  beginOf(work: Like): number;
  learn(work: Sized, seconds: number): void;
}

/** Seconds and sizes of the works of a sort, of which the last ones count most. */
export interface Rate {
  /** Without what each takes to begin; below 0 where they took less. */
  readonly seconds: number;
  readonly size: number;
}

/** What is left of what is known of a sort when one more work of it has ended. */
const REMEMBERED = 0.9;

/** The same of the passes of all works, which say more than those of the last ones. */
const ALL_REMEMBERED = 0.99;

/** The name of the passes of all works. */
const PASSES = "";

/** Seconds of works until what a pass took here counts as much as the usual. */
const TRUSTED = 0.05;

/** What works took, by kind and by each part of their sort. */
export type Rates = Map<string, Rate>;

/** The names of what a work is like, from its kind to its whole sort. */
export const sortsOf = ({
  kind,
  sort = [],
}: Pick<Work, "kind" | "sort">): string[] =>
  [kind, ...sort].map((_, i, all) => all.slice(0, i + 1).join(" "));

/** The name under which what is in front of a model counts, where there is one. */
const ownNameOf = (work: Like): string | undefined =>
  work.defense && work.sort ? sortsOf(work).at(-1) : undefined;

/**
 * @param rates what was learned before; what is learned now goes there too
 * @param usually what works take where nothing was learned
 */
export function costsOf(
  rates: Rates = new Map(),
  usually: Usual = usual,
): Costs {
  const learn = (name: string, { seconds, size }: Rate, kept: number) => {
    const before = rates.get(name) ?? { seconds: 0, size: 0 };
    // What was learned last stands at the end.
    rates.delete(name);
    rates.set(name, {
      seconds: kept * before.seconds + seconds,
      size: kept * before.size + size,
    });
  };
  const nameOf = (work: Like) => {
    const [kind = "", ...like] = sortsOf(work);
    const names = like.length > 0 ? like : [kind];
    return names.findLast((name) => rates.has(name));
  };
  /** Seconds for each unit of size in the model, and in what is in front of it. */
  const eachOf = (work: Like, pass: number) => {
    const { passes, inFront } = usually.of(work);
    const name = nameOf(work);
    if (name === undefined) return { model: passes * pass, inFront };
    const { seconds, size } = rates.get(name)!;
    const each = Math.max(0, seconds / size);
    return name === ownNameOf(work)
      ? { model: each, inFront: 0 }
      : { model: each, inFront };
  };
  const passHere = () => {
    const { seconds, size } = rates.get(PASSES) ?? { seconds: 0, size: 0 };
    return (TRUSTED + Math.max(0, seconds)) / (TRUSTED / usually.pass + size);
  };
  return {
    knows: (work) => nameOf(work) !== undefined,
    secondsOf(work, pass = passHere()) {
      const { model, inFront } = eachOf(work, pass);
      return usually.of(work).begin + work.size * (model + inFront);
    },
    beginOf: (work) => usually.of(work).begin,
    learn(work, seconds) {
      const { size } = work;
      if (!(size > 0)) return;
      const { begin, passes, inFront } = usually.of(work);
      const took = seconds - begin;
      // Of what is learned for others, the defence in front has its usual share.
      const model = passes * passHere();
      const share = inFront > 0 ? model / (model + inFront) : 1;
      const own = ownNameOf(work);
      for (const name of sortsOf(work)) {
        const of = name === own ? took : share * took;
        learn(name, { seconds: of, size }, REMEMBERED);
      }
      learn(
        PASSES,
        { seconds: share * took, size: passes * size },
        ALL_REMEMBERED,
      );
    },
  };
}
