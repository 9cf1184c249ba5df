import { existsSync } from "node:fs";
import { AssayError, packageVersion, readFile, sha256 } from "#core";
import type { EngineChoice } from "#engine";
import type { TryModel } from "./models/index.ts";
import { type OpenedRun, openRun, type RunOptions } from "./open-run.ts";
import {
  atBorder,
  openDepot,
  openQueue,
  type QueuedRun,
} from "./queue/index.ts";
import type { Hands, OpenWorks } from "./works/index.ts";

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
 * @throws QUEUE_*, STORE_*
 */
export function queueHands(
  { url, bucket }: QueueChoice,
  { loaded, works, shop }: OpenedRun,
  { suite, out, only, engine, onEvent = () => {} }: RunOptions,
): Promise<Hands> {
  const chosen = engine && !("load" in engine) ? engine : undefined;
  const run = {
    ...{ version: packageVersion(), suite, hash: loaded.hash, out },
    only: only && [...only],
    engine: chosen?.engine,
    device: chosen?.device,
    bucket,
  };
  const { store } = shop;
  return openQueue({ url, run, works: works.values(), store, onEvent });
}

/**
 * Opens a run as a worker of a queue does, to do its works.
 *
 * @param input a `QueuedRun`
 * @throws RUN_APART where the suite is not the one of the run
 */
export async function openQueuedRun(
  input: unknown,
  place: Parameters<OpenWorks>[1] & { readonly tryModel: TryModel },
): ReturnType<OpenWorks> {
  const { suite, hash, out, only, engine, device, bucket } = input as QueuedRun;
  if (!existsSync(suite) || sha256(readFile(suite)) !== hash)
    throw new AssayError(
      "RUN_APART",
      `${suite} ${existsSync(suite) ? "is not the suite of the run" : "is not there"}`,
      "Start workers in a folder where suite, data and models have the same paths as where the run was started, and are the same.",
    );
  const { works, shop } = await openRun({
    ...{ suite, out, only, ...place },
    engine: { engine, device: device as EngineChoice["device"] },
  });
  const { store } = shop;
  const depot = bucket ? await openDepot(bucket, store) : undefined;
  return {
    works: new Map(
      Array.from(works, ([id, work]) => [id, atBorder(work, store, depot)]),
    ),
  };
}
