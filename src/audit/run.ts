import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { packagePath, UsageError } from "#core";
import { onnxruntime } from "#engine";
import { bestWorkers } from "./calibration/index.ts";
import { baselineFor, failedIn, requireOwnFolder } from "./comparing/index.ts";
import { endsEarly } from "./early-end.ts";
import type { OnEvent } from "./events.ts";
import { judged } from "./judged.ts";
import { signShard } from "./merge.ts";
import {
  namedModules,
  type OpenedRun,
  openRun,
  type RunOptions,
} from "./open-run.ts";
import { type QueueChoice, queueHands } from "./queued-run.ts";
import type { Results } from "./results/index.ts";
import type { Store } from "./store.ts";
import { loadSuite, type RunLimits } from "./suite/index.ts";
import type { WorkerInput } from "./worker.ts";
import {
  type Failure,
  type Follower,
  follower,
  type Hands,
  missingOf,
  openClaims,
  openPool,
  outlook,
  ownHands,
  type Peaks,
  type PerformOptions,
  perform,
  type Remembered,
  remembered,
  type Shard,
  shardOf,
  type Work,
  type WorkKind,
  workKinds,
  worksBehind,
} from "./works/index.ts";

export interface AuditOptions extends RunOptions {
  /**
   * Processes that do the works; "auto" for as many as do best on these cores. This
   * process does them itself when left out, and where an engine is given.
   */
  readonly workers?: number | "auto";
  /** Has workers anywhere do them instead. */
  readonly queue?: QueueChoice;
  /**
   * Results, or the folder of a run, to compare with instead of the suite's baseline;
   * false for none.
   */
  readonly baseline?: string | false;
  /**
   * Does nothing but what failed in the last run of the folder, with what that needs
   * and what needs it. The rest is judged as it is.
   */
  readonly retryFailed?: boolean;
  /** Ends as soon as a rule of the gate cannot pass any more. */
  readonly failFast?: boolean;
}

/**
 * Runs a suite: plans all works, has them performed, and judges what was found.
 * Everything that is finished is kept under the hash of what it depends on, so the
 * same call after an interruption goes on where it stopped.
 *
 * @throws UsageError for a suite that cannot be run, InterruptedError when
 *   the signal aborts
 */
export async function runAudit(options: AuditOptions): Promise<Results> {
  const startedAt = new Date();
  const warnings = new Set<string>();
  const watch = follower();
  const onEvent: OnEvent = (event) => {
    watch.onEvent(event);
    if (event.kind === "warning") warnings.add(event.message);
    options.onEvent?.(event);
  };
  // What the end needs is refused at the start.
  requireOwnFolder(options);
  const failed = options.retryFailed ? failedIn(options.out) : undefined;
  const baseline = options.smoke
    ? undefined
    : baselineFor(await loadSuite(options.suite, options), options.baseline);
  const run = await openRun({ ...options, onEvent });
  const works = failed ? needing(failed, run) : run.graph.works;
  const tell = options.failFast ? endsEarly(run, baseline) : undefined;
  const seen: Seen = new Map();
  let reason: string | undefined;
  const isEnough = ({ kind }: Pick<Work, "kind">) => {
    reason ??= tell?.(kind);
    return reason !== undefined;
  };
  // What is kept may be enough.
  const failures = isEnough({ kind: "look" })
    ? []
    : await performed(
        works,
        run,
        { ...options, isEnough, seen },
        onEvent,
        watch,
      );
  if (reason !== undefined)
    onEvent({ kind: "phase", title: `Ending early: ${reason}` });
  const found = run.graph.found(failures);
  return judged(
    {
      ...found,
      warnings: [...found.warnings, ...warnings],
      failures,
      missing: run.graph.missing(failures),
      stopped: reason === undefined ? undefined : { by: "fail-fast", reason },
      timing: {
        ...since(startedAt),
        memory: seen.size > 0 ? peaksIn(seen) : undefined,
      },
    },
    run.loaded,
    baseline,
  );
}

/**
 * Computes one shard of a run. What shards have found is put together by `mergeShards`,
 * and `runAudit` then computes what is left and judges.
 *
 * @returns how many works have a result, and why others have none
 * @throws as `runAudit` does
 */
export async function runShard(
  options: AuditOptions,
  shard: Shard,
): Promise<{ done: number; failures: readonly Failure[] }> {
  const { smoke, retryFailed, failFast } = options;
  if (smoke || retryFailed || failFast)
    throw new UsageError(
      "SHARD_WHOLE",
      failFast
        ? "a shard has no verdict, and so nothing that could fail fast"
        : `${smoke ? "a smoke run" : "what failed"} is not shared out among shards`,
      "Leave out --shard.",
    );
  const watch = follower();
  const onEvent: OnEvent = (event) => {
    watch.onEvent(event);
    options.onEvent?.(event);
  };
  const run = await openRun({ ...options, onEvent });
  const works = shardOf(run.works.values(), shard);
  const failures = await performed(works, run, options, onEvent, watch);
  signShard(run.shop.store, shard, run.loaded);
  return { done: worksBehind(works).size - failures.length, failures };
}

/**
 * Works that failed before, and all that need them.
 *
 * @throws NOTHING_FAILED where the suite has none of them any more
 */
function needing(
  failed: ReadonlySet<string>,
  { works }: OpenedRun,
): readonly Work[] {
  const found = new Map<string, Work>();
  // Each stands behind what it needs.
  for (const [id, work] of works)
    if (failed.has(id) || work.needs.some((need) => found.has(need.id)))
      found.set(id, work);
  if (found.size > 0) return [...found.values()];
  throw new UsageError(
    "NOTHING_FAILED",
    `what failed before is not part of the suite any more: ${[...failed].join(", ")}`,
    "Leave out --retry-failed: the same command does whatever is left to do.",
  );
}

/** The most bytes that a process had while it did works, by their kinds. */
type Seen = Map<WorkKind, number>;

const note = (seen: Seen = new Map(), kind: WorkKind, bytes: number): void => {
  seen.set(kind, Math.max(bytes, seen.get(kind) ?? 0));
};

const peaksIn = (seen: Seen) =>
  workKinds.flatMap((kind) => {
    const bytes = seen.get(kind);
    return bytes === undefined ? [] : [{ works: kind, bytes }];
  });

/** Has works of a run performed. */
async function performed(
  works: readonly Work[],
  run: OpenedRun,
  options: AuditOptions &
    Pick<PerformOptions, "isEnough"> & { readonly seen?: Seen },
  onEvent: OnEvent,
  watch: Follower,
): Promise<Failure[]> {
  const { store, engine } = run.shop;
  const { signal } = options;
  const limits = { ...run.loaded.suite.limits, ...options.limits };
  if (options.queue && limits.memory !== undefined)
    onEvent({
      kind: "warning",
      message: "The limit of memory is not kept by workers of a queue.",
    });
  const memory = remembered(engine.title, options.smoke !== undefined);
  const claims = openClaims(store.folder);
  watch.begin(run.loaded.suite.title, claims.tell);
  try {
    const hands = options.queue
      ? await queueHands(options.queue, run, {
          ...options,
          memory: limits.memory,
          onEvent,
        })
      : await handsFor(works, run, options, limits, memory, onEvent, (...of) =>
          note(options.seen, ...of),
        );
    const costs = options.queue ? undefined : memory.costs;
    const peaks = options.queue ? null : memory.peaks;
    const title = outlook(works, store, hands.count, costs, peaks);
    if (title !== undefined) onEvent({ kind: "phase", title });
    try {
      return await perform(works, {
        hands,
        store,
        onEvent,
        signal,
        claims,
        limits,
        isEnough: options.isEnough,
        saidBy: watch.saidBy,
        // What other machines take says nothing of this one.
        costs,
      });
    } finally {
      await hands.close();
    }
  } finally {
    watch.end();
    await run.graph.release();
    run.shop.shelf?.release();
    await claims.close();
    memory.save();
  }
}

/** Seconds of work for which it is not worth starting other processes. */
const LITTLE = 5;

async function handsFor(
  works: readonly Work[],
  { loaded, shop, tidy }: OpenedRun,
  options: AuditOptions,
  limits: RunLimits,
  learned: Remembered,
  onEvent: OnEvent,
  onPeak: Peaks["learn"],
): Promise<Hands> {
  const { workers, suite, out, only, set, smoke, engine } = options;
  const { store } = shop;
  const { id, title } = shop.engine;
  if (workers === undefined || (engine && "load" in engine))
    return unlimited(limits, onEvent, onPeak, tidy);
  // Another engine may have but one device.
  if (workers === "auto" && id !== onnxruntime.id)
    return unlimited(limits, onEvent, onPeak, tidy);
  const { work, memory } = limits;
  const isBounded = work !== undefined || memory !== undefined;
  if (
    workers === "auto" &&
    !isBounded &&
    secondsLeft(works, store, learned) < LITTLE
  )
    return ownHands(onPeak, tidy);
  const { workers: count, threads } =
    workers === "auto"
      ? await bestWorkers(title, learned)
      : { workers, threads: options.threads ?? threadsOf(workers) };
  // A process of its own can be stopped.
  if (count === 1 && !isBounded) return ownHands(onPeak, tidy);
  return openPool({
    module: pathToFileURL(packagePath("dist/src/audit/worker.js")),
    input: {
      suite,
      out,
      only,
      set,
      hash: loaded.hash,
      smoke,
      engine: engine ?? {},
      modules: namedModules(loaded),
    } satisfies WorkerInput,
    count,
    threads,
    memory,
    peaks: {
      ...learned.peaks,
      learn(kind, bytes) {
        learned.peaks.learn(kind, bytes);
        onPeak(kind, bytes);
      },
    },
    onEvent,
  });
}

/** About how long what is missing takes, as far as that was learned. */
function secondsLeft(
  works: readonly Work[],
  store: Store,
  { costs }: Remembered,
): number {
  return missingOf(works, store).works.reduce(
    (sum, work) =>
      sum +
      (costs.knows(work) ? costs.secondsOf(work) : Number.POSITIVE_INFINITY),
    0,
  );
}

/** This process, which cannot be stopped within a work. */
function unlimited(
  { work, memory }: RunLimits,
  onEvent: OnEvent,
  onPeak: Peaks["learn"],
  tidy: () => void,
): Hands {
  if (work !== undefined || memory !== undefined)
    onEvent({
      kind: "warning",
      message:
        "Limits of one work and of memory are not kept, since no worker is a process of its own; --workers 1 makes it one.",
    });
  return ownHands(onPeak, tidy);
}

const threadsOf = (workers: number): number =>
  Math.max(1, Math.floor(availableParallelism() / workers));

function since(start: Date): Results["timing"] {
  const end = new Date();
  return {
    startedAt: start.toISOString(),
    finishedAt: end.toISOString(),
    seconds: (end.getTime() - start.getTime()) / 1000,
  };
}
