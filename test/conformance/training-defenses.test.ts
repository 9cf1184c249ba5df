import { beforeAll, expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import {
  asPart,
  formOf,
  type OpenPart,
  type Strategy,
  strategies,
  tune,
} from "#tuning";
import { trainingDefenseLaws } from "../../src/conformance/index.ts";
import { normalised, reference, settings, smallDigits } from "../reference.ts";
import { lawful } from "./laws.ts";

let model: Model;
let train: Dataset;
let validation: Dataset;

beforeAll(async () => {
  model = normalised(await reference());
  const parts = await smallDigits();
  const first = (n: number) => Array.from({ length: n }, (_, i) => i);
  train = takeSamples(parts.train, first(24));
  validation = takeSamples(parts.validation, first(12));
});

/** Fewer steps than published, so that the tests stay short. */
const quick: Readonly<Record<string, Record<string, unknown>>> = {
  "pgd-at": { steps: 2 },
  trades: { steps: 2 },
  mart: { steps: 2 },
  "free-at": { replays: 2 },
  twins: { steps: 2 },
  autolora: { steps: 2 },
};

const part = (id: string): OpenPart => {
  const unit = trainingDefenses.find((d) => d.id === id);
  if (!unit) throw new Error(`no defence ${id}`);
  return asPart({ unit, params: unit.params.parse(quick[id] ?? {}) });
};

const strategyOf = (id: string) =>
  strategies.find((s) => s.id === id) as Strategy;

async function run(strategy: Strategy, parts: readonly OpenPart[], epochs = 2) {
  const params = strategy.params.parse({});
  const form = formOf(
    { unit: strategy, params },
    model,
    layerGroups(model.graph),
    new Random(1),
  );
  const tuned = await tune({
    model: form.model,
    train,
    validation,
    groups: form.groups,
    stages: strategy.stages(form.groups, epochs, params),
    settings: settings({ batchSize: 12, learningRate: 1e-2 }),
    parts,
    engine: onnxruntime,
    random: new Random(1),
  });
  return { ...tuned, form };
}

const finite = (history: Awaited<ReturnType<typeof run>>["history"]) =>
  history.every((e) =>
    [e.trainLoss, e.validationLoss, ...Object.values(e.records ?? {})].every(
      Number.isFinite,
    ),
  );

// Those of dialogues have laws of their own in test/language.
const ofAnySamples = trainingDefenses.filter(
  ({ needs }) => !needs?.includes("dialogues"),
);

lawful("training defence", ofAnySamples, (unit) =>
  trainingDefenseLaws(unit, { params: quick[unit.id] }),
);

test.each(strategies.map((s) => [s.id, s] as const))(
  "strategy %s takes several parts at once",
  async (_id, strategy) => {
    const parts = ["label-smoothing", "trades", "awp"];
    const { history } = await run(strategy, parts.map(part), 5);
    expect(history).toHaveLength(5);
    expect(finite(history)).toBe(true);
    expect(Object.keys(history[0]?.records ?? {})).toEqual(["divergence"]);
  },
);

test("robust linear probing, then robust full fine-tuning", async () => {
  const { history } = await run(strategyOf("lp-ft"), [part("pgd-at")], 2);
  expect(history.map((e) => e.trainable.length)).toEqual([
    1,
    layerGroups(model.graph).length,
  ]);
});

test.each([
  ["batch statistics", { batchNorm: "batch" }, []],
  ["class weights", { classWeights: "balanced" }, []],
  ["sampling by temperature", { samplingTemperature: 3 }, []],
  ["replayed batches", {}, ["free-at"]],
  ["a look at a training batch", {}, ["fast-at"]],
])("each sample alone is refused beside %s", async (_, changes, beside) => {
  const groups = layerGroups(model.graph);
  await expect(
    tune({
      model,
      train,
      validation,
      groups,
      stages: [{ epochs: 1, rates: new Map(groups.map((g) => [g.name, 1])) }],
      settings: settings(changes as never),
      parts: [...beside, "dp-sgd"].map((id) => part(id)),
      engine: onnxruntime,
      random: new Random(1),
    }),
  ).rejects.toMatchObject({ code: "TRAINING_PARTS" });
});
