import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import {
  asPart,
  distributionCriterion,
  formOf,
  type OpenPart,
  type Strategy,
  strategies,
  tune,
} from "#tuning";
import {
  context,
  momentOf,
  normalised,
  reference,
  settings,
  smallDigits,
} from "../reference.ts";

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
const quick: Readonly<Record<string, object>> = {
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

const numbersOf = ({ graph }: Model, name: string) =>
  (graph.constants.get(name) as FloatTensor).data;

const finite = (history: Awaited<ReturnType<typeof run>>["history"]) =>
  history.every((e) =>
    [e.trainLoss, e.validationLoss, ...Object.values(e.records ?? {})].every(
      Number.isFinite,
    ),
  );

describe.each(trainingDefenses.map((d) => [d.id, d] as const))(
  "training defence %s",
  (id) => {
    test("keeps the shape of a batch, and gives the same bytes twice", async () => {
      const { moment, compiled } = await momentOf(model, train.y.length);
      const { x, y } = train;
      const targets: FloatTensor = {
        type: "float32",
        dims: [y.length, 5],
        data: new Float32Array(5 * y.length).fill(0.2),
      };
      const prepared = async () => {
        const opened = part(id)(context(model));
        const fresh = {
          ...moment,
          random: Array.from(y, (_, i) => new Random(i)),
        };
        return (await opened.prepare?.({ x, y, targets }, fresh)) ?? { x, y };
      };
      const [one, two] = [await prepared(), await prepared()];
      await compiled.release();
      expect(two).toEqual(one);
      for (const view of [one.x, ...Object.values(one.views ?? {})]) {
        expect(view.dims).toEqual(x.dims);
        expect(view.data.every(Number.isFinite)).toBe(true);
      }
      expect(one.y).toEqual(y);
    });

    test("changes neither loss nor criterion where it is for any tasks, unless for one with shares of classes", () => {
      const unit = trainingDefenses.find((d) => d.id === id);
      if (!unit?.manyTasks) return;
      const opened = part(id)(context(model));
      for (const member of ["loss", "evaluate"] as const)
        expect(opened[member], member).toBeUndefined();
      expect([undefined, distributionCriterion]).toContain(opened.criterion);
    });

    test("frozen stays frozen, what is trained moves, and losses are finite", async () => {
      const { model: tuned, history } = await run(strategyOf("head-only"), [
        part(id),
      ]);
      const head = layerGroups(model.graph).at(-1)?.parameters ?? [];
      for (const name of model.graph.constants.keys()) {
        if (head.includes(name))
          expect(numbersOf(tuned, name)).not.toEqual(numbersOf(model, name));
        else
          expect(tuned.graph.constants.get(name)).toBe(
            model.graph.constants.get(name),
          );
      }
      expect(finite(history)).toBe(true);
    });

    test("the same seed gives the same weights, in another form of the model too", async () => {
      const weights = async () => {
        const { model: tuned } = await run(strategyOf("lora"), [part(id)], 1);
        return [...tuned.graph.constants.keys()]
          .filter((n) => /lora_|head/.test(n))
          .map((n) => numbersOf(tuned, n));
      };
      expect(await weights()).toEqual(await weights());
    });
  },
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
