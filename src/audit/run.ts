import { needsOf, packageVersion, UsageError } from "#core";
import type { Dataset } from "#data";
import { type Engine, type EngineChoice, openEngine } from "#engine";
import { chanceOf, compile, matches, meaningOf } from "#model";
import { domains, trajectories } from "./again/index.ts";
import {
  type Attacking,
  attackAll,
  type Bench,
  type ComputedCell,
  release,
} from "./attacking/index.ts";
import { certificates } from "./certify/index.ts";
import type { OnEvent } from "./events.ts";
import { gallery } from "./gallery/index.ts";
import { evaluateGate } from "./gate/index.ts";
import { crossTask } from "./heads/index.ts";
import {
  curves,
  inheritance,
  seedSummaries,
  transferResult,
  worstCases,
} from "./judging/index.ts";
import {
  baseResult,
  candidateResult,
  makeBase,
  makeCandidate,
  makeMember,
  makeUnrelated,
  preflight,
  type ReadyModel,
  type Workshop,
} from "./models/index.ts";
import {
  isOnlyMeasured,
  type Plan,
  planSuite,
  prepareSuite,
  statedResult,
} from "./plan/index.ts";
import { RESULTS_VERSION, type Results } from "./results/index.ts";
import { openStore } from "./store.ts";
import { loadSuite, MAIN, type Suite } from "./suite/index.ts";
import { type Judged, judgedOn } from "./tasks/index.ts";
import { runTrials } from "./trials/index.ts";

export interface AuditOptions {
  /** Path of the suite, as the user gave it. */
  readonly suite: string;
  /** Folder of the run; what is finished there is not computed again. */
  readonly out: string;
  /** Only cells whose id matches one of these patterns (`*` matches anything). Such a run has no verdict. */
  readonly only?: readonly string[];
  /** An engine, or which one to open; what is left open the suite says. */
  readonly engine?: Engine | Pick<EngineChoice, "engine" | "device">;
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

/**
 * Runs a suite: prepares data, base and candidates, computes every cell, and
 * returns the results document. Everything that is finished is kept under the
 * hash of what it depends on, so the same call after an interruption goes on
 * where it stopped.
 *
 * @throws UsageError for a suite that cannot be run, InterruptedError when the signal aborts
 */
export async function runAudit(options: AuditOptions): Promise<Results> {
  const startedAt = new Date();
  const { onEvent = () => {}, signal } = options;
  const loaded = await loadSuite(options.suite);
  const { suite } = loaded;
  const all = planSuite(loaded);
  const plan = select(all.cells, options.only);
  const tried = select(all.trials, options.only);
  refuseNothing(all, [...plan, ...tried], options.only, loaded.file);

  const engine = await engineOf(options, suite, onEvent);

  onEvent({ kind: "phase", title: "Reading data" });
  const data = await prepareSuite(loaded);
  const store = openStore(options.out);
  const shop: Workshop = { loaded, data, store, engine, onEvent, signal };

  onEvent({ kind: "phase", title: "Preparing models" });
  const base = await makeBase(shop);
  const unrelated = [...plan, ...tried].some((p) =>
    needsOf(p.chosen).includes("unrelated"),
  )
    ? await makeUnrelated(shop)
    : null;
  const models = new Map<string, ReadyModel>();
  // What is not attacked is measured all the same.
  const chosen = isOnlyMeasured(suite)
    ? Object.keys(suite.candidates)
    : [...plan, ...tried].map((p) => p.candidate);
  for (const id of new Set(chosen)) {
    const { member, model } = suite.candidates[id] ?? {};
    const make = member && !model ? makeMember : makeCandidate;
    models.set(id, await make(id, shop, base));
  }

  onEvent({ kind: "phase", title: "Checking models" });
  const judged = (candidate: string) =>
    judgedOn(data, suite.candidates[candidate]?.member ?? null);
  const faults = await checkModels(models, judged, engine, onEvent);

  onEvent({ kind: "phase", title: "Attacking" });
  const bench: Bench = {
    data: data.attacked,
    target: data.target,
    folder: loaded.folder,
    seed: suite.seed,
    base,
    unrelated,
    source: data.pretraining?.train ?? null,
    store,
    engine,
    onEvent,
    signal,
    compiled: new Map(),
  };
  const benchOf = (candidate: string): Bench => {
    const { target, attacked } = judged(candidate);
    return { ...bench, target, data: attacked };
  };
  const attacking: Attacking = {
    models,
    benchOf,
    faults,
    suite: options.suite,
    onEvent,
  };
  const { cells, computed } = await attackAll(plan, attacking);
  const crossed = await crossTask({
    suite,
    plan,
    cells,
    models,
    judged,
    benchOf,
    faults,
    computedOf: (cell) => computed.get(cell) as ComputedCell,
  });
  const trials = await runTrials(
    tried,
    models,
    { base, unrelated },
    shop,
    options.suite,
  );

  const candidates = await Promise.all(
    [...models.values()].map((m) => candidateResult(m, shop, base)),
  );
  const complete = options.only === undefined;
  const families = new Map(
    Object.entries(suite.attacks).map(([id, { unit }]) => [id, unit.family]),
  );
  const results: Results = {
    schemaVersion: RESULTS_VERSION,
    title: suite.title,
    complete,
    classes: data.target.test.classes,
    ...taskResult(models, data.attacked),
    ...statedResult(suite),
    base: base && (await baseResult(base, shop)),
    ...(unrelated ? { unrelated: await baseResult(unrelated, shop) } : {}),
    candidates,
    cells,
    worstCases: worstCases(
      cells,
      Object.keys(suite.candidates),
      families,
      (candidate) => suite.candidates[candidate]?.member?.task ?? MAIN,
      crossed,
    ),
    seeds: [],
    curves: curves(cells),
    ...(crossed.length > 0 ? { crossTask: crossed } : {}),
    trials,
    ...transferResult(cells, candidates, suite.attacks),
    certificates: complete
      ? await certificates(suite, models, benchOf, onEvent)
      : [],
    ...(await gallery(plan, computed, models, benchOf, suite.gallery)),
    gate: { verdict: "none", rules: [] },
    provenance: {
      assay: packageVersion(),
      suite: { file: options.suite, hash: loaded.hash },
      data: {
        source: data.source,
        fingerprint: data.attacked.fingerprint,
        train: data.target.train.y.length,
        validation: data.target.validation.y.length,
        test: data.target.test.y.length,
        attacked: data.attacked.y.length,
      },
      seed: suite.seed,
      engine: engine.title,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
    timing: { startedAt: "", finishedAt: "", seconds: 0 },
  };
  if (complete && suite.trajectory)
    results.trajectories = await trajectories(suite, models, benchOf, onEvent);
  if (complete && suite.attackSource)
    results.domains = await domains(
      plan,
      cells,
      attacking,
      data,
      suite,
      families,
    );
  await release(bench);
  results.seeds = seedSummaries(cells, results.candidates, crossed);
  const inherited = inheritance(
    cells,
    results.worstCases,
    results.candidates,
    results.base,
    suite.seed,
    crossed,
  );
  if (inherited.length > 0) results.inheritance = inherited;
  if (complete) results.gate = evaluateGate(suite.gate, results);
  const finishedAt = new Date();
  results.timing = {
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    seconds: (finishedAt.getTime() - startedAt.getTime()) / 1000,
  };
  return results;
}

/** Looks at every model before anything counts, and tells what is odd; gives what makes numbers untrustworthy. */
async function checkModels(
  models: ReadonlyMap<string, ReadyModel>,
  judged: (candidate: string) => Judged,
  engine: Engine,
  onEvent: OnEvent,
): Promise<Map<string, readonly string[]>> {
  const faults = new Map<string, readonly string[]>();
  for (const [id, ready] of models) {
    const compiled = await compile(ready.model, engine);
    const plain =
      ready.unprocessed && (await compile(ready.unprocessed, engine));
    const found = await preflight(compiled, judged(id).attacked, id, plain);
    await compiled.release();
    await plain?.release();
    faults.set(id, found.faults);
    for (const message of [...found.warnings, ...found.faults])
      onEvent({ kind: "warning", message });
  }
  return faults;
}

/** What the outputs of the candidates mean, where they are not classes. */
function taskResult(
  models: ReadonlyMap<string, ReadyModel>,
  { targets }: Dataset,
): Pick<Results, "task"> {
  const [first] = models.values();
  const { task } = first?.model ?? {};
  if (!first || (task?.kind !== "multi-label" && task?.kind !== "regression"))
    return {};
  const { broken } = meaningOf(first.model);
  const chance = chanceOf(first.model, targets);
  return { task: { kind: task.kind, broken, chance } };
}

/** The engine of a run; one that is not the usual one is named. */
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

/** What matches one of the patterns, or all where there is none. */
const select = <T extends { id: string }>(
  plan: readonly T[],
  only: readonly string[] | undefined,
): T[] =>
  plan.filter((p) => !only || only.some((pattern) => matches(pattern, p.id)));

function refuseNothing(
  { cells, trials }: Plan,
  chosen: readonly unknown[],
  only: readonly string[] | undefined,
  file: string,
): void {
  if (!only || chosen.length > 0) return;
  throw new UsageError(
    "NO_CELLS",
    `no cell and no trial of ${file} matches ${only.join(", ")}`,
    `They are named like ${[...cells, ...trials][0]?.id}; * matches anything. \`assay plan\` lists them.`,
  );
}
