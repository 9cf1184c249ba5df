import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, layerGroups, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { formOf, strategies, tune } from "#tuning";
import { normalised, reference, settings, smallDigits } from "../reference.ts";

let model: Model;
let parts: { train: Dataset; validation: Dataset; test: Dataset };

beforeAll(async () => {
  model = normalised(await reference());
  parts = await smallDigits();
});

const EPOCHS = 5;

/**
 * Strategies that ship something else than what they trained, in the case in
 * which they do not.
 */
const asTrained: Readonly<Record<string, object>> = { "wise-ft": { alpha: 1 } };

function open(strategy: (typeof strategies)[number], seed = 1) {
  const params = strategy.params.parse(asTrained[strategy.id] ?? {});
  const form = formOf(
    { unit: strategy, params },
    model,
    layerGroups(model.graph),
    new Random(seed),
  );
  const stages = strategy.stages(form.groups, EPOCHS, params);
  return { form, stages };
}

async function run(strategy: (typeof strategies)[number], seed = 1) {
  const { form, stages } = open(strategy, seed);
  const tuned = await tune({
    model: form.model,
    ...parts,
    groups: form.groups,
    stages,
    settings: settings({ learningRate: 1e-2 }),
    engine: onnxruntime,
    random: new Random(seed),
  });
  return { ...tuned, form, shipped: form.restore(tuned.model, tuned.probed) };
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
      const { model: tuned, history, form } = await run(strategy);
      const kept = history.find((e) => e.best);
      // Only what was trained up to the kept epoch has moved.
      const moved = new Set(
        history
          .filter((e) => e.epoch <= (kept?.epoch ?? 0))
          .flatMap((e) => e.trainable),
      );
      const trained = new Map(
        form.groups.flatMap((g) => g.parameters.map((p) => [p, g.name])),
      );
      for (const [name, before] of form.model.graph.constants) {
        const group = trained.get(name);
        if (group === undefined)
          expect(tuned.graph.constants.get(name), name).toBe(before);
        else
          expect(
            bytesOf(tuned, name).equals(bytesOf(form.model, name)),
            name,
          ).toBe(!moved.has(group));
      }
    });

    test("uses exactly the epochs it was given, and names groups of the model", () => {
      const { form, stages } = open(strategy);
      expect(stages.reduce((sum, s) => sum + s.epochs, 0)).toBe(EPOCHS);
      for (const stage of stages) {
        expect(stage.rates.size).toBeGreaterThan(0);
        for (const [name, rate] of stage.rates) {
          expect(form.groups.some((g) => g.name === name)).toBe(true);
          expect(rate > 0 && rate <= 1).toBe(true);
        }
      }
      const head = layerGroups(model.graph).at(-1)?.name ?? "";
      expect(form.groups.at(-1)?.name).toBe(head);
      // Somewhere the head is trained at the full rate.
      expect(stages.some((s) => s.rates.get(head) === 1)).toBe(true);
    });

    test("ships what it trained", async () => {
      const { model: tuned, shipped } = await run(strategy);
      const answers = async (m: Model) => {
        const compiled = await compile(m, onnxruntime);
        const { data } = await compiled.logits(parts.test.x);
        await compiled.release();
        return data;
      };
      const [trained, given] = [await answers(tuned), await answers(shipped)];
      const scale = Math.max(...trained.map(Math.abs));
      given.forEach((z, i) => {
        expect(Math.abs(z - trained[i]!)).toBeLessThan(1e-5 * scale);
      });
    });

    test("the same seed gives the same weights, another seed others", async () => {
      const head = (t: { shipped: Model }) => bytesOf(t.shipped, "head.weight");
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
