import { availableParallelism } from "node:os";
import { type Pass, passOf } from "./calibration/index.ts";
import { graphOf } from "./graph.ts";
import {
  outlineOf,
  outlineOfCandidate,
  type Workshop,
} from "./models/index.ts";
import { engineOf, type RunOptions } from "./open-run.ts";
import { type Plan, prepareSuite } from "./plan/index.ts";
import { openStore } from "./store.ts";
import type { LoadedSuite } from "./suite/index.ts";
import { judgedOn } from "./tasks/index.ts";
import {
  estimate,
  missingOf,
  remembered,
  type Work,
  type WorkKind,
  workKinds,
  worksBehind,
} from "./works/index.ts";

/** What a run comes to before it is done, by what this machine has learned. */
export interface Forecast {
  /** Works by kinds, in the order in which a run tells of them. */
  readonly works: readonly {
    readonly kind: WorkKind;
    /** Of the whole run, and those that are not in its folder yet. */
    readonly all: number;
    readonly left: number;
    /** That those take one worker. */
    readonly seconds: number;
    /**
     * Whether that is what such works took on this machine before, or a guess by what a
     * pass of a model takes now.
     */
    readonly learned: boolean;
  }[];
  /** By the number of workers. */
  readonly time: readonly {
    readonly workers: number;
    readonly seconds: number;
  }[];
  /** Bytes that each worker takes at least: with the data, and one model open. */
  readonly memory: number;
  /**
   * Bytes that a worker had at most here while it did works such as those that are
   * left; null where that was not seen of every kind.
   */
  readonly peak: number | null;
}

/**
 * What a plan comes to: its works, and the time that so many workers take for those
 * that are not done. Reads data and models as a run does, and writes nothing.
 */
export async function forecast(
  loaded: LoadedSuite,
  plan: Plan,
  options: Pick<RunOptions, "out" | "engine" | "tryModel">,
): Promise<Forecast> {
  const { suite } = loaded;
  const onEvent = () => {};
  const data = await prepareSuite(loaded, options.tryModel);
  const engine = await engineOf(options, suite, onEvent);
  const store = openStore(options.out);
  const shop: Workshop = {
    loaded,
    data,
    seed: suite.seed,
    store,
    engine,
    onEvent,
  };
  const wanted = graphOf(plan, shop).works;
  const { costs: learned, peaks } = remembered(
    engine.title,
    loaded.smoke !== undefined,
  );
  const { seconds, memory } = await passOfPlan(plan, shop);
  const costs = {
    secondsOf: (work: Work) => learned.secondsOf(work, seconds),
  };
  const all = [...worksBehind(wanted).values()];
  const { works: left } = missingOf(wanted, store);
  const cores = availableParallelism();
  const counts = [1, 2, 4].filter((count) => count < cores);
  return {
    works: workKinds.flatMap((kind) => {
      const isKind = (work: { readonly kind: WorkKind }) => work.kind === kind;
      const ofKind = left.filter(isKind);
      const number = all.filter(isKind).length;
      return number > 0
        ? {
            kind,
            all: number,
            left: ofKind.length,
            seconds: ofKind.reduce(
              (sum, work) => sum + costs.secondsOf(work),
              0,
            ),
            learned: learned.knows({ kind }),
          }
        : [];
    }),
    time: [...counts, cores].map((workers) => ({
      workers,
      seconds: estimate(wanted, store, costs, workers).time.end,
    })),
    memory,
    peak: left.every(({ kind }) => peaks.knows(kind))
      ? Math.max(0, ...left.map(({ kind }) => peaks.bytesOf(kind) ?? 0)) || null
      : null,
  };
}

/** What a pass takes of the first candidate of a plan, as far as it is known. */
async function passOfPlan(plan: Plan, shop: Workshop): Promise<Pass> {
  const [id = ""] = plan.candidates;
  const candidate = shop.loaded.suite.candidates[id]!;
  const base = await outlineOf("base", shop);
  const model = await outlineOfCandidate(candidate, shop, base);
  const { attacked } = judgedOn(shop.data, candidate.task);
  return passOf(model, attacked, shop.engine);
}
