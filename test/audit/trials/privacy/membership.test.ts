import { expect, test } from "vitest";
import { type Membership, trialAttacks } from "#attacks";
import { Random } from "#core";
import { type Dataset, dataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import { tune } from "#tuning";
import { membership } from "../../../../src/audit/trials/privacy/membership.ts";
import { settings, smallDigits, untrained } from "../../../reference.ts";
import { inOrder } from "../../trial-input.ts";

/** Images under labels that say nothing, so that only remembering helps. */
function relabelled(data: Dataset, random: Random): Dataset {
  const some = takeSamples(
    data,
    Array.from({ length: 60 }, (_, i) => i),
  );
  const y = some.y.map(() => random.below(5));
  return dataset(some.name, some.x, y, some.classes);
}

const models = new Map<string, Promise<Model>>();

/** A model that remembers its data, made once. */
function learned(train: Dataset, seed: string): Promise<Model> {
  const key = `${seed} ${train.fingerprint}`;
  const model = models.get(key) ?? overfit(train, seed);
  models.set(key, model);
  return model;
}

async function overfit(train: Dataset, seed: string): Promise<Model> {
  const model = { ...untrained(), classes: train.classes };
  const groups = layerGroups(model.graph);
  const { model: tuned } = await tune({
    model,
    train,
    validation: train,
    groups,
    stages: [{ epochs: 20, rates: new Map(groups.map((g) => [g.name, 1])) }],
    settings: settings({ learningRate: 1e-2, patience: null, batchSize: 20 }),
    engine: onnxruntime,
    random: new Random(seed),
  });
  return tuned;
}

test.each(["loss-threshold", "lira", "difficulty-calibration"])(
  "%s tells what an overfitted model learned from, and nothing of one that did not see it",
  async (id) => {
    const all = await smallDigits();
    const random = new Random(8);
    const [train, test, validation, elsewhere] = [
      all.train,
      all.test,
      all.validation,
      takeSamples(
        all.train,
        Array.from({ length: 60 }, (_, i) => 100 + i),
      ),
    ].map((part) => relabelled(part, random)) as [
      Dataset,
      Dataset,
      Dataset,
      Dataset,
    ];
    const unit = trialAttacks.find((u) => u.id === id) as Membership;
    const tried = (model: Model) =>
      membership.run({
        unit,
        params: unit.params.parse(
          id === "loss-threshold" ? {} : { shadows: 4 },
        ),
        victim: {
          id: "small",
          model,
          base: null,
          data: { train, test, validation },
          learned: {
            domain: { train, test, validation },
            seen: train,
            unlabelled: 0,
          },
          attacked: test,
          source: null,
          tunable: false,
          repaired: false,
          tune: async () => model,
          retune: async () => ({ model, filtered: null }),
          behindDefenses: async () => new Map(),
        },
        unrelated: null,
        surrogate: ({ train: part = train, seed = "" }) => learned(part, seed),
        each: inOrder,
        once: (_name, make) => make(),
        random: new Random(1),
        engine: onnxruntime,
        onProgress() {},
      });
    const area = async (model: Model) => {
      const { findings, checks } = await tried(model);
      expect(checks.map((c) => c.status)).toEqual(["passed"]);
      return findings.find((f) => f.role === "headline");
    };
    const overfitted = await area(await learned(train, "victim"));
    expect(overfitted?.low).toBeGreaterThan(0.6);
    const blind = await area(await learned(elsewhere, "victim"));
    expect(blind?.low).toBeLessThan(0.5);
    expect(blind?.high).toBeGreaterThan(0.5);
  },
);
