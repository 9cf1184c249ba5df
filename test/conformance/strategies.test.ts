import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { strategies, type Tuned, tune } from "#tuning";
import { reference, settings, smallDigits } from "../reference.ts";

let model: Model;
let parts: { train: Dataset; validation: Dataset; test: Dataset };

beforeAll(async () => {
  model = await reference();
  parts = await smallDigits();
}, 60_000);

const EPOCHS = 5;

function run(strategy: (typeof strategies)[number], seed = 1): Promise<Tuned> {
  const groups = layerGroups(model.graph);
  return tune({
    model,
    ...parts,
    groups,
    stages: strategy.stages(groups, EPOCHS, strategy.params.parse({})),
    settings: settings({ learningRate: 1e-2 }),
    engine: onnxruntime,
    random: new Random(seed),
  });
}

/** The bytes of a constant. */
function bytesOf({ graph }: Model, name: string): Buffer {
  const { data } = graph.constants.get(name) as FloatTensor;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

describe.each(strategies.map((s) => [s.id, s] as const))(
  "strategy %s",
  (_id, strategy) => {
    test("frozen weights are the same bytes afterwards, trained ones are not", async () => {
      const groups = layerGroups(model.graph);
      const stages = strategy.stages(groups, EPOCHS, strategy.params.parse({}));
      const trained = new Set(stages.flatMap((s) => [...s.rates.keys()]));
      const { model: tuned, history } = await run(strategy);
      const kept = history.find((e) => e.best);
      // Only what was trained up to the kept epoch has moved.
      const moved = new Set(
        history
          .filter((e) => e.epoch <= (kept?.epoch ?? 0))
          .flatMap((e) => e.trainable),
      );
      for (const group of groups) {
        for (const name of group.parameters) {
          const before = bytesOf(model, name);
          const after = bytesOf(tuned, name);
          expect(after.equals(before), name).toBe(!moved.has(group.name));
        }
      }
      for (const name of moved) expect(trained.has(name)).toBe(true);
      // All other constants are untouched.
      for (const [name, value] of model.graph.constants) {
        if (!groups.some((g) => g.parameters.includes(name)))
          expect(tuned.graph.constants.get(name)).toBe(value);
      }
    });

    test("uses exactly the epochs it was given, and names groups of the model", () => {
      const groups = layerGroups(model.graph);
      const stages = strategy.stages(groups, EPOCHS, strategy.params.parse({}));
      expect(stages.reduce((sum, s) => sum + s.epochs, 0)).toBe(EPOCHS);
      for (const stage of stages) {
        expect(stage.rates.size).toBeGreaterThan(0);
        for (const [name, rate] of stage.rates) {
          expect(groups.some((g) => g.name === name)).toBe(true);
          expect(rate > 0 && rate <= 1).toBe(true);
        }
        // The head is always trained.
        expect(stage.rates.get(groups.at(-1)?.name ?? "")).toBe(1);
      }
    });

    test("the same seed gives the same weights, another seed others", async () => {
      const head = (t: Tuned) => bytesOf(t.model, "head.weight");
      const [one, same, other] = [
        await run(strategy),
        await run(strategy),
        await run(strategy, 2),
      ];
      expect(head(same)).toEqual(head(one));
      expect(same.history).toEqual(one.history);
      expect(head(other)).not.toEqual(head(one));
    });
  },
);
