import { type LanguageAttack, trialAttacks } from "#attacks";
import { packagePath, Random } from "#core";
import { loadDataset, splitDataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { compile, loadModel, type Model } from "#model";
import { batchOfPass, openPlainStep } from "#tuning";
import { language } from "../../src/audit/trials/language/language.ts";
import { heldOutOf, measure } from "../../src/audit/trials/language/measure.ts";
import type { Protocol, TrialInput } from "../../src/audit/trials/trial.ts";
import { trialInput } from "../audit/trial-input.ts";

/** The policy world. */
export const all = await loadDataset(
  { source: "policy", answers: "aligned" },
  ".",
);
export const parts = splitDataset(
  all,
  { train: 1, validation: 0, test: 0 },
  new Random(1),
);
export const base = await loadModel(packagePath("suites/language/base.onnx"));
export const held = heldOutOf(parts.test);

/** The base after so many steps of alignment: it refuses what is restricted. */
async function aligned(steps: number): Promise<Model> {
  const step = await openPlainStep(base, onnxruntime);
  const { train } = parts;
  for (let s = 1; s <= steps; s++) {
    const rows = batchOfPass(train.y.length, s, 48, new Random("alignment"));
    await step.take(takeSamples(train, rows), 3e-4);
  }
  const constants = new Map([...base.graph.constants, ...step.weights]);
  await step.release();
  return { ...base, graph: { ...base.graph, constants } };
}

export const released = await aligned(120);

export const share = (all: readonly boolean[]) =>
  all.filter(Boolean).length / all.length;

/** What is said of a model that is asked as it is. */
export async function said(model: Model) {
  const compiled = await compile(model, onnxruntime);
  const found = await measure({ model: compiled }, held);
  await compiled.release();
  return found;
}

export const unitOf = (id: string) =>
  trialAttacks.find((unit) => unit.id === id) as unknown as LanguageAttack;

/** The findings of a trial of the aligned model, by id. */
export async function tried(id: string, params: object, model = released) {
  const input = trialInput<LanguageAttack, Record<string, unknown>>(
    unitOf(id),
    params,
    model,
    parts,
    { base },
  );
  const { run } = language as Protocol<never, never>;
  const outcome = await run(input as unknown as TrialInput<never, never>);
  return {
    ...outcome,
    of: (name: string) => outcome.findings.find((f) => f.id === name)?.value,
  };
}
