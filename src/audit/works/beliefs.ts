import type { Costs } from "./costs.ts";
import type { Work } from "./work.ts";

/** What works are believed to take, by which those with the longest path come first. */
export interface Beliefs {
  /** Of each, above 0; they change in place. */
  readonly seconds: Float64Array;
  /**
   * A work has ended.
   *
   * @returns whether beliefs are others now
   */
  learn(work: number, seconds: number): boolean;
}

/**
 * By what is known of a kind, and by passes of a model where nothing is. They are made
 * anew as often as the number of works that have ended doubles: the first ones teach
 * most, and a million works are weighed twenty times.
 *
 * @param costs what is known; what is learned goes there
 */
export function beliefsOf(
  works: readonly Pick<Work, "kind" | "sort" | "size">[],
  costs: Costs,
): Beliefs {
  const seconds = new Float64Array(works.length);
  const believe = () => {
    works.forEach((work, i) => {
      seconds[i] = costs.secondsOf(work);
    });
  };
  believe();
  let ended = 0;
  let next = 1;
  return {
    seconds,
    learn(work, took) {
      costs.learn(works[work]!, took);
      if (++ended < next) return false;
      next = 2 * ended;
      believe();
      return true;
    },
  };
}
