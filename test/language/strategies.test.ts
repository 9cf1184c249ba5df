import { describe, expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups } from "#model";
import type { FloatTensor } from "#onnx";
import { formOf, strategies, tune } from "#tuning";
import { settings } from "../reference.ts";
import { openLanguageModel, readLanguageModel } from "./exported.ts";

/** Which layer groups each strategy may move, of so many; the others are frozen. */
const moving: Record<
  string,
  [params: object, from: (groups: number) => number]
> = {
  full: [{}, () => 0],
  lora: [{ rank: 2 }, () => 0],
  "head-only": [{}, (groups) => groups - 1],
  freeze: [{ groups: 3 }, () => 3],
  "gradual-unfreezing": [{}, () => 0],
};

// Gemm behind a Reshape in the one, MatMul in the other.
describe.each(["gpt2.torchscript", "llama.dynamo"])("%s", (name) => {
  test.each(Object.keys(moving))(
    "%s learns, and what is frozen stays bit for bit",
    async (id) => {
      const recorded = readLanguageModel(name);
      const model = await openLanguageModel(recorded);
      const [params, from] = moving[id]!;
      const unit = strategies.find((s) => s.id === id)!;
      const chosen = { unit, params: unit.params.parse(params) };
      const groups = layerGroups(model.graph);
      const form = formOf(chosen, model, groups, new Random(1));
      const epochs = form.groups.length + 2;
      const { ids, targets } = recorded;
      const data = {
        name: "texts",
        x: ids,
        y: new Int32Array(3),
        targets,
        classes: model.classes,
        positions: ids.dims.slice(1),
        fingerprint: "texts",
      } as unknown as Dataset;
      const tuned = await tune({
        model: form.model,
        train: data,
        validation: data,
        groups: form.groups,
        stages: unit.stages(form.groups, epochs, chosen.params),
        settings: settings({
          learningRate: 1e-2,
          epochs,
          batchSize: 3,
          patience: null,
        }),
        engine: onnxruntime,
        random: new Random(2),
      });
      const [first, ...rest] = tuned.history;
      expect(rest.at(-1)!.trainLoss).toBeLessThan(first!.trainLoss);
      const after = form.restore(tuned.model, tuned.probed);
      const trained = groups.slice(from(groups.length));
      const may = new Set(trained.flatMap((g) => g.parameters));
      const bits = (t: FloatTensor) =>
        Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength);
      let moved = 0;
      for (const [weight, tensor] of model.graph.constants) {
        if (tensor.type !== "float32") continue;
        const now = after.graph.constants.get(weight) as
          | FloatTensor
          | undefined;
        const same = now && bits(now).equals(bits(tensor as FloatTensor));
        if (!may.has(weight)) expect(same, weight).not.toBe(false);
        else if (same === false) moved++;
      }
      expect(moved).toBeGreaterThan(0);
      const matrices = groups
        .slice(0, -1)
        .flatMap((g) => g.parameters)
        .filter((p) => model.graph.constants.get(p)!.dims.length === 2);
      // LoRA adapts every matrix but the table that is looked up and the places.
      if (id === "lora")
        expect(moved).toBeGreaterThanOrEqual(matrices.length - 2);
    },
  );
});
