import { hashOf, needsOf, Random } from "#core";
import type { FloatTensor } from "#onnx";
import type { Models, ReadyModel, Workshop } from "../models/index.ts";
import type { PlannedTrial } from "../plan/index.ts";
import type { Trial } from "../results/index.ts";
import { describe } from "../suite/index.ts";
import { kept, madeBy, progressOf, stopwatch } from "../work.ts";
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

/** Runs one trial, or takes it from the store. */
async function runTrial(
  planned: PlannedTrial,
  ready: ReadyModel,
  bases: Pick<Models, "base" | "unrelated">,
  shop: Workshop,
): Promise<{ trial: Omit<Trial, "reproduce">; reused: boolean }> {
  const { data, loaded, store } = shop;
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
    ...madeBy(shop),
  };
  const key = hashOf({
    ...depends,
    repair: parts.map(describe),
    defenses: chosen.unit.meetsDefenses
      ? Object.entries(loaded.suite.defenses).map(([name, own]) => [
          name,
          own.map(describe),
        ])
      : undefined,
  });
  const { record, reused } = await kept(
    shop,
    `trials/${key}.json`,
    async (): Promise<Outcome & Pick<Trial, "seconds">> => {
      const seconds = stopwatch();
      const { surrogate, ...victim } = await openVictim(
        ready,
        parts,
        base,
        shop,
      );
      const protocol = protocols.find((p) => p.kind === chosen.unit.kind);
      if (!protocol) throw new Error(`no protocol tries ${chosen.unit.kind}`);
      const outcome = await protocol.run({
        ...chosen,
        victim,
        unrelated: unrelated?.model ?? null,
        surrogate,
        async once(name, made): Promise<FloatTensor> {
          const key = hashOf({ ...depends, name });
          const file = `trials/${key}.npy`;
          const make = async () => {
            store.writeTensor(file, await made());
            return null;
          };
          await kept(shop, `trials/${key}.json`, make, () => [file]);
          return store.readTensor(file);
        },
        random: new Random(shop.seed).fork(`trial ${chosen.unit.id}`),
        engine: shop.engine,
        signal: shop.signal,
        onProgress: progressOf(shop, id),
      });
      return { ...outcome, seconds: seconds() };
    },
  );
  const { seconds, ...outcome } = record;
  const trusted = outcome.checks.every((c) => c.status !== "failed");
  return {
    trial: { id, candidate, repair, trial, ...outcome, trusted, seconds },
    reused,
  };
}
