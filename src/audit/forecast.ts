import { availableParallelism } from "node:os";
import { graphOf } from "./graph.ts";
import { engineOf, type RunOptions } from "./open-run.ts";
import { type Plan, prepareSuite } from "./plan/index.ts";
import { openStore } from "./store.ts";
import type { LoadedSuite } from "./suite/index.ts";
import {
  estimate,
  missingOf,
  remembered,
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
    /** That those take one worker; null where no work of the kind has been done yet. */
    readonly seconds: number | null;
  }[];
  /** By the number of workers; no seconds where those of some kind are not known. */
  readonly time: readonly {
    readonly workers: number;
    readonly seconds: number | null;
  }[];
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
  const shop = { loaded, data, seed: suite.seed, store, engine, onEvent };
  const wanted = graphOf(plan, shop).works;
  const { costs } = remembered(engine.title);
  const all = [...worksBehind(wanted).values()];
  const { works: left } = missingOf(wanted, store);
  const cores = availableParallelism();
  const counts = [1, 2, 4].filter((count) => count < cores);
  return {
    works: workKinds.flatMap((kind) => {
      const isKind = (work: { readonly kind: WorkKind }) => work.kind === kind;
      const ofKind = left.filter(isKind);
      const size = ofKind.reduce((sum, work) => sum + work.size, 0);
      const known = costs.secondsOf({ kind, size });
      const number = all.filter(isKind).length;
      return number > 0
        ? {
            kind,
            all: number,
            left: ofKind.length,
            seconds: ofKind.length > 0 ? (known ?? null) : 0,
          }
        : [];
    }),
    time: [...counts, cores].map((workers) => ({
      workers,
      seconds: estimate(wanted, store, costs, workers).time?.end ?? null,
    })),
  };
}
