import { packageVersion } from "#core";
import { namedModules, type OpenedRun, type RunOptions } from "./open-run.ts";
import { openQueue } from "./queue/index.ts";
import type { Hands } from "./works/index.ts";

/** A queue in which works of a run wait for workers anywhere. */
export interface QueueChoice {
  /** Address of Redis or Valkey, such as redis://host:6379. */
  readonly url: string;
  /**
   * A bucket by which the folders of the run on all machines are kept alike, such as
   * s3://bucket/prefix. Without one, they have to be one folder that is shared.
   */
  readonly bucket?: string;
}

/**
 * Hands for the works of a run by way of a queue.
 *
 * @param options those of the run; `memory` is the bytes that each process may have
 * @throws QUEUE_*, STORE_*
 */
export function queueHands(
  { url, bucket }: QueueChoice,
  { loaded, works, shop }: OpenedRun,
  {
    out,
    only,
    smoke,
    engine,
    memory,
    onEvent = () => {},
  }: RunOptions & { readonly memory?: number },
): Promise<Hands> {
  const chosen = engine && !("load" in engine) ? engine : undefined;
  const run = {
    ...{ version: packageVersion(), suite: loaded.file, hash: loaded.hash },
    out,
    modules: namedModules(loaded),
    only: only && [...only],
    set: [...loaded.settings],
    smoke,
    engine: chosen?.engine,
    device: chosen?.device,
    ...{ bucket, memory },
  };
  const { store } = shop;
  return openQueue({ url, run, works: works.values(), store, onEvent });
}
