import { InterruptedError, packageVersion } from "#core";
import type { Engine } from "#engine";
import type { Shelf } from "#tuning";
import type { OnEvent } from "./events.ts";
import type { Store } from "./store.ts";

/** What all that a run computes is computed with. */
export interface Workplace {
  readonly seed: number;
  readonly engine: Engine;
  readonly store: Store;
  readonly onEvent: OnEvent;
  readonly signal?: AbortSignal;
  /** What trainings of this process have in common; each has its own when left out. */
  readonly shelf?: Shelf;
}

/**
 * What every result depends on besides what it is made of, for the hash that
 * it is kept under.
 */
export const madeBy = ({
  seed,
  engine,
}: Pick<Workplace, "seed" | "engine">) => ({
  seed,
  version: packageVersion(),
  engine: engine.title,
});

/**
 * Tells how much of something is done, as a share, and throws InterruptedError where
 * the run is to stop.
 */
export const progressOf =
  ({ onEvent, signal }: Pick<Workplace, "onEvent" | "signal">, what: string) =>
  (share: number): void => {
    if (signal?.aborted) throw new InterruptedError();
    onEvent({ kind: "progress", what, share });
  };

/**
 * A record from the store, or what is made now and kept there. Files that belong to it
 * are written by `make`: the record comes last, and has their hashes.
 *
 * @param filesOf names them in the store
 */
export async function kept<T>(
  { store }: Pick<Workplace, "store">,
  name: string,
  make: () => Promise<T>,
  filesOf: (record: T) => readonly string[] = () => [],
): Promise<{ readonly record: T; readonly reused: boolean }> {
  const before = store.read<T>(name);
  if (before !== undefined) return { record: before, reused: true };
  const record = await make();
  store.write(name, record, filesOf(record));
  return { record, reused: false };
}

/** Seconds since it was called. */
export function stopwatch(): () => number {
  const started = performance.now();
  return () => (performance.now() - started) / 1000;
}
