import { AssayError } from "#core";
import { type Engine, type EngineChoice, openEngine } from "#engine";
import type { OnEvent } from "./events.ts";
import { graphOf } from "./graph.ts";
import { judged } from "./judged.ts";
import { rememberedIn, type TryModel, type Workshop } from "./models/index.ts";
import { planSuite, prepareSuite } from "./plan/index.ts";
import type { Results } from "./results/index.ts";
import { openStore } from "./store.ts";
import { type LoadedSuite, loadSuite, type Suite } from "./suite/index.ts";
import { ownHands, perform } from "./works/index.ts";

export interface AuditOptions {
  /** Path of the suite, as the user gave it. */
  readonly suite: string;
  /** Folder of the run. What is finished there is not computed again. */
  readonly out: string;
  /**
   * Only cells whose id matches one of these patterns (`*` matches anything). Such a
   * run has no verdict.
   */
  readonly only?: readonly string[];
  /** An engine, or which one to open. What is left open the suite says. */
  readonly engine?: Engine | Pick<EngineChoice, "engine" | "device">;
  /** What models from outside go through before anything else opens them. */
  readonly tryModel?: TryModel;
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

/**
 * Runs a suite: prepares data and models, attacks them, and judges what was found.
 * Everything that is finished is kept under the hash of what it depends on, so the
 * same call after an interruption goes on where it stopped.
 *
 * @throws UsageError for a suite that cannot be run, InterruptedError when
 *   the signal aborts
 */
export async function runAudit(options: AuditOptions): Promise<Results> {
  const startedAt = new Date();
  const loaded = await loadSuite(options.suite);
  const plan = planSuite(loaded, options.only);
  const warnings = new Set<string>();
  const onEvent: OnEvent = (event) => {
    if (event.kind === "warning") warnings.add(event.message);
    options.onEvent?.(event);
  };
  const shop = await openShop(loaded, { ...options, onEvent });
  const graph = graphOf(plan, shop);
  const failures = await perform(graph.works, {
    hands: ownHands(),
    store: shop.store,
    onEvent,
    signal: options.signal,
  });
  const found = graph.found();
  const [failed] = failures;
  // Without a candidate there is nothing to report on.
  if (failed && found.candidates.length === 0)
    throw new AssayError(failed.code, failed.message, failed.hint);
  return judged(
    {
      ...found,
      warnings: [...found.warnings, ...warnings],
      failures,
      timing: since(startedAt),
    },
    loaded,
  );
}

/** Opens the engine and the store of a run, and reads its data. */
async function openShop(
  loaded: LoadedSuite,
  options: AuditOptions & { readonly onEvent: OnEvent },
): Promise<Workshop> {
  const { onEvent, out, signal, tryModel } = options;
  const { suite } = loaded;
  const engine = await engineOf(options, suite, onEvent);
  const store = openStore(out, (message) =>
    onEvent({ kind: "warning", message }),
  );
  onEvent({ kind: "phase", title: "Reading data" });
  const data = await prepareSuite(
    loaded,
    tryModel && rememberedIn(store, tryModel),
  );
  return { loaded, data, seed: suite.seed, store, engine, onEvent, signal };
}

function since(start: Date): Results["timing"] {
  const end = new Date();
  return {
    startedAt: start.toISOString(),
    finishedAt: end.toISOString(),
    seconds: (end.getTime() - start.getTime()) / 1000,
  };
}

/** The engine of a run. One that is not the usual one is named. */
async function engineOf(
  { engine: given }: AuditOptions,
  suite: Suite,
  onEvent: OnEvent,
): Promise<Engine> {
  if (given && "load" in given) return given;
  const engine = given?.engine ?? suite.engine;
  const opened = await openEngine({
    engine,
    device: given?.device,
    onWarning: (message) => onEvent({ kind: "warning", message }),
  });
  if (engine !== "onnxruntime")
    onEvent({ kind: "phase", title: `Running on ${opened.title}` });
  return opened;
}
