import {
  hashOf,
  InterruptedError,
  needsOf,
  packageVersion,
  Random,
} from "#core";
import type { FloatTensor } from "#onnx";
import type { Models, ReadyModel, Workshop } from "../models/index.ts";
import type { PlannedTrial } from "../plan/index.ts";
import type { Trial } from "../results/index.ts";
import { describe } from "../suite/index.ts";
import { protocols } from "./kinds.ts";
import type { Outcome } from "./trial.ts";
import { openVictim } from "./victim.ts";

/** Runs trials, or takes them from the store. */
export async function runTrials(
  planned: readonly PlannedTrial[],
  models: Models,
  shop: Workshop,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  if (planned.length > 0) shop.onEvent({ kind: "phase", title: "Trials" });
  for (const one of planned) {
    const ready = models.candidates.get(one.candidate) as ReadyModel;
    const { trial, reused } = await runTrial(one, ready, models, shop);
    trials.push({
      ...trial,
      reproduce: `npx assay run ${shop.loaded.file} --only '${one.id}'`,
    });
    shop.onEvent({
      kind: "trial",
      trial: one.id,
      done: trials.length,
      total: planned.length,
      found: trial.findings.find((f) => f.role === "headline"),
      reused,
    });
  }
  return trials;
}

type Finished = Outcome & { readonly seconds: number };

/** Runs one trial, or takes it from the store. */
async function runTrial(
  planned: PlannedTrial,
  ready: ReadyModel,
  bases: Pick<Models, "base" | "unrelated">,
  shop: Workshop,
): Promise<{ trial: Omit<Trial, "reproduce">; reused: boolean }> {
  const { store, engine, data, loaded, signal, onEvent } = shop;
  const { id, candidate, repair, trial, chosen, parts } = planned;
  const { base } = bases;
  const unrelated = needsOf(chosen).includes("unrelated")
    ? bases.unrelated
    : null;
  const depends = {
    attack: describe(chosen),
    candidate: ready.hash,
    stated: ready.stated,
    base: base?.hash,
    unrelated: unrelated?.hash,
    data: [
      data.attacked,
      ...Object.values(data.target),
      ...Object.values(data.sourceDomain ?? {}),
      ...Object.values(data.pretraining ?? {}),
    ].map((part) => part.fingerprint),
    seed: loaded.suite.seed,
    version: packageVersion(),
    engine: engine.title,
  };
  const { defenses } = loaded.suite;
  const file = `trials/${hashOf({
    ...depends,
    repair: parts.map(describe),
    defenses: chosen.unit.meetsDefenses
      ? Object.entries(defenses).map(([name, own]) => [name, own.map(describe)])
      : undefined,
  })}.json`;
  const before = store.read<Finished>(file);
  const told = ({ seconds, ...outcome }: Finished, reused: boolean) => ({
    trial: {
      id,
      candidate,
      repair,
      trial,
      ...outcome,
      trusted: outcome.checks.every((c) => c.status !== "failed"),
      seconds,
    },
    reused,
  });
  if (before) return told(before, true);

  const started = performance.now();
  const { surrogate, ...victim } = await openVictim(ready, parts, base, shop);
  const protocol = protocols.find((p) => p.kind === chosen.unit.kind);
  if (!protocol) throw new Error(`no protocol tries ${chosen.unit.kind}`);
  const outcome = await protocol.run({
    ...chosen,
    victim,
    unrelated: unrelated?.model ?? null,
    surrogate,
    async once(name, make): Promise<FloatTensor> {
      const kept = `trials/${hashOf({ ...depends, name })}.npy`;
      const known = store.readTensor(kept);
      if (known) return known;
      const made = await make();
      store.writeTensor(kept, made);
      return made;
    },
    random: new Random(loaded.suite.seed).fork(`trial ${chosen.unit.id}`),
    engine,
    signal,
    onProgress(share) {
      if (signal?.aborted) throw new InterruptedError();
      onEvent({ kind: "progress", cell: id, share });
    },
  });
  const seconds = (performance.now() - started) / 1000;
  const finished: Finished = { ...outcome, seconds };
  store.write(file, finished);
  return told(finished, false);
}
