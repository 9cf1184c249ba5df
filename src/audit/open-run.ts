import { AssayError } from "#core";
import { type Engine, type EngineChoice, openEngine } from "#engine";
import { openShelf } from "#tuning";
import type { UnitModule } from "#units";
import type { OnEvent } from "./events.ts";
import { graphOf } from "./graph.ts";
import { rememberedIn, type TryModel, type Workshop } from "./models/index.ts";
import { type Plan, planSuite, prepareSuite } from "./plan/index.ts";
import { openStore } from "./store.ts";
import {
  type LoadedSuite,
  loadSuite,
  type RunLimits,
  type Smoke,
  type Suite,
  type SuiteInput,
} from "./suite/index.ts";
import { prepareData } from "./tasks/index.ts";
import { type Work, worksBehind } from "./works/index.ts";

export interface RunOptions {
  /** Path of the suite, as the user gave it, or the suite itself. */
  readonly suite: string | SuiteInput;
  /** Folder of the run. What is finished there is not computed again. */
  readonly out: string;
  /**
   * Only cells whose id matches one of these patterns (`*` matches anything). Such a
   * run has no verdict.
   */
  readonly only?: readonly string[];
  /** Cuts the suite down to one that only shows that everything runs: no verdict. */
  readonly smoke?: Smoke;
  /** An engine, or which one to open. What is left open the suite says. */
  readonly engine?: Engine | Pick<EngineChoice, "engine" | "device">;
  /** False refuses a suite that runs code: a module, or one that uses some. */
  readonly use?: boolean;
  /** Put over the suite, such as "candidates.full.epochs=3". */
  readonly set?: readonly string[];
  /** Of the suite where the run was started. */
  readonly hash?: string;
  /** The modules that the suite uses where the run was started. */
  readonly modules?: readonly Pick<UnitModule, "name" | "hash">[];
  /** Threads of each engine; the engine's own choice when left out. */
  readonly threads?: number;
  /** Whether the process that it is opened for has checked all that there is. */
  readonly isChecked?: boolean;
  /** What models from outside go through before anything else opens them. */
  readonly tryModel?: TryModel;
  /** Instead of those of the suite, one by one. */
  readonly limits?: RunLimits;
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

/** A run whose works are known, and none of which is done. */
export interface OpenedRun {
  readonly loaded: LoadedSuite;
  readonly plan: Plan;
  readonly shop: Workshop;
  readonly graph: ReturnType<typeof graphOf>;
  /** All works by their ids, with those that only others need. */
  readonly works: ReadonlyMap<string, Work>;
  /** Lets go of what the last works of this process had no use for. */
  tidy(): void;
}

/**
 * Opens a run: loads and plans the suite, opens engine and store, reads the data, and
 * lists all works. Whoever opens the same run finds the same works.
 *
 * @throws UsageError for a suite that cannot be run; RUN_APART where modules that it
 *   uses are not those of the run
 */
export async function openRun(options: RunOptions): Promise<OpenedRun> {
  const { out, signal, tryModel, onEvent = () => {} } = options;
  const loaded = await loadSuite(options.suite, options);
  requireSuite(loaded, options.hash ?? loaded.hash);
  requireModules(loaded, options.modules ?? loaded.modules);
  const plan = planSuite(loaded, options.only);
  const { suite } = loaded;
  const engine = await engineOf(options, suite, onEvent);
  const store = openStore(out, (message) =>
    onEvent({ kind: "warning", message }),
  );
  onEvent({ kind: "phase", title: "Reading data" });
  const data = options.isChecked
    ? await prepareData(loaded)
    : await prepareSuite(loaded, tryModel && rememberedIn(store, tryModel));
  const { seed } = suite;
  const shelf = openShelf();
  const shop = { loaded, data, seed, store, engine, onEvent, signal, shelf };
  const graph = graphOf(plan, shop);
  const works = worksBehind(graph.works);
  return { loaded, plan, shop, graph, works, tidy: () => shelf.age() };
}

/** Refuses another suite than that of the run. */
function requireSuite({ file, hash, ...of }: LoadedSuite, expected: string) {
  if (hash === expected) return;
  const parts = [
    ...of.extended.map((one) => one.file),
    ...of.variables.map((name) => `the variable ${name}`),
  ];
  throw new AssayError(
    "RUN_APART",
    `${[file, ...parts].join(", or ")} is not the suite of the run`,
    "Let suite, data and models be the same, at the same paths, wherever parts of a run are done.",
  );
}

/** Refuses other modules than those of the run. */
function requireModules(
  { modules }: LoadedSuite,
  expected: NonNullable<RunOptions["modules"]>,
): void {
  const apart = modules.find(({ hash }, i) => hash !== expected[i]?.hash);
  if (apart)
    throw new AssayError(
      "RUN_APART",
      `use: ${apart.name} is not the module of the run`,
      "Let the modules that a suite uses be the same wherever its works are done, and stay so until the run has ended.",
    );
}

/** The modules of a run, as they are sent to who does its works. */
export const namedModules = ({ modules }: LoadedSuite) =>
  modules.map(({ name, hash }) => ({ name, hash }));

/** The engine of a run. One that is not the usual one is named. */
export async function engineOf(
  { engine: given, threads }: Pick<RunOptions, "engine" | "threads">,
  suite: Suite,
  onEvent: OnEvent,
): Promise<Engine> {
  if (given && "load" in given) return given;
  const engine = given?.engine ?? suite.engine;
  const opened = await openEngine({
    engine,
    device: given?.device,
    threads,
    onWarning: (message) => onEvent({ kind: "warning", message }),
  });
  if (engine !== "onnxruntime")
    onEvent({ kind: "phase", title: `Running on ${opened.title}` });
  return opened;
}
