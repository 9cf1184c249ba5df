import { beforeAll, describe, expect, test } from "vitest";
import { type Chosen, Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, layerGroups, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { formOf, type Strategy, strategies } from "#tuning";
import { exported } from "../model/exported.ts";
import { normalised, reference, smallDigits } from "../reference.ts";

let model: Model;
let x: FloatTensor;

beforeAll(async () => {
  model = normalised(await reference());
  ({ x } = (await smallDigits()).test);
});

function chosen(id: string, params: object = {}): Chosen<Strategy> {
  const unit = strategies.find((s) => s.id === id) as Strategy;
  return { unit, params: unit.params.parse(params) };
}

const formed = (strategy: Chosen<Strategy>, of = model) =>
  formOf(strategy, of, layerGroups(of.graph), new Random(1));

function stagesOf(id: string, epochs: number, params: object = {}) {
  const strategy = chosen(id, params);
  const { groups } = formed(strategy);
  return strategy.unit.stages(groups, epochs, strategy.params);
}

async function answers(of: Model, input: FloatTensor = x) {
  const compiled = await compile(of, onnxruntime);
  const { data } = await compiled.logits(input);
  await compiled.release();
  return data;
}

/** The model with a constant moved. */
function moved(of: Model, name: string): Model {
  const before = of.graph.constants.get(name) as FloatTensor;
  const random = new Random(7);
  const data = before.data.map((v) => v + 0.1 * random.normal());
  const constants = new Map(of.graph.constants);
  constants.set(name, { ...before, data });
  return { ...of, graph: { ...of.graph, constants } };
}

function near(seen: Float32Array, expected: Float32Array, relative: number) {
  const scale = Math.max(...expected.map(Math.abs));
  seen.forEach((v, i) => {
    expect(Math.abs(v - expected[i]!)).toBeLessThanOrEqual(relative * scale);
  });
}

describe("LoRA", () => {
  test("begins as the base, and trains thin matrices only", async () => {
    const form = formed(chosen("lora", { rank: 2 }));
    near(await answers(form.model), await answers(model), 1e-6);
    const body = form.groups.slice(0, -1);
    for (const { parameters } of body)
      expect(parameters.every((p) => p.includes(".lora_"))).toBe(true);
    expect(body.reduce((sum, g) => sum + g.size, 0)).toBeLessThan(
      layerGroups(model.graph).reduce((sum, g) => sum + g.size, 0) / 3,
    );
  });

  test("merged weights compute what the factors did", async () => {
    const form = formed(chosen("lora", { rank: 3, alpha: 6 }));
    const tuned = form.groups
      .slice(0, -1)
      .flatMap((g) => g.parameters)
      .reduce(moved, form.model);
    const trained = await answers(tuned);
    const merged = form.restore(tuned, form.model);
    expect(merged.graph.nodes).toEqual(model.graph.nodes);
    near(await answers(merged), trained, 1e-5);
    // It was worth looking: the factors changed something.
    expect(trained).not.toEqual(await answers(model));
  });

  test("of named layers only; a name without a matrix is refused", () => {
    const form = formed(chosen("lora", { layers: ["hid*"] }));
    expect(form.groups.map((g) => g.name)).toEqual(["hidden", "head"]);
    expect(() => formed(chosen("lora", { layers: ["nothing"] }))).toThrow(
      'strategy "lora" finds no matrix to adapt before the head in nothing',
    );
  });
});

test("adapters begin near the base, and are as wide as asked", async () => {
  const form = formed(chosen("adapters", { width: 4 }));
  near(await answers(form.model), await answers(model), 0.01);
  const shapes = form.groups[0]?.parameters.map(
    (p) => form.model.graph.constants.get(p)?.dims,
  );
  expect(shapes).toEqual([[4, 16, 1, 1], [4], [16, 4, 1, 1], [16]]);
});

describe.each([
  "resnet.torchscript",
  "convnext.dynamo",
  "vit.dynamo",
  "swin.torchscript",
  "mlp.sklearn",
])("of %s", (name) => {
  test("LoRA and adapters leave what the model computes nearly as it is", async () => {
    const { model: base, x: input } = exported(name);
    const before = await answers(base, input as FloatTensor);
    const lora = formed(chosen("lora"), base);
    near(await answers(lora.model, input as FloatTensor), before, 1e-5);
    const thin = formed(chosen("lora", { rank: 1, alpha: 0.5 }), base);
    const tuned = thin.groups
      .slice(0, -1)
      .flatMap((g) => g.parameters)
      .reduce(moved, thin.model);
    const trained = await answers(tuned, input as FloatTensor);
    const merged = thin.restore(tuned, thin.model);
    near(await answers(merged, input as FloatTensor), trained, 1e-4);
    const adapted = formed(chosen("adapters"), base);
    near(await answers(adapted.model, input as FloatTensor), before, 0.2);
    expect(adapted.groups.length).toBeGreaterThan(1);
  });

  test("biases are far fewer than weights", () => {
    const { model: base } = exported(name);
    const all = layerGroups(base.graph);
    const form = formed(chosen("bitfit"), base);
    const size = (groups: readonly { size: number }[]) =>
      groups.slice(0, -1).reduce((sum, g) => sum + g.size, 0);
    expect(size(form.groups)).toBeGreaterThan(0);
    expect(size(form.groups)).toBeLessThan(size(all) / 3);
  });
});

test("BitFit trains biases and shifts, normalisation layers their scales too", () => {
  const body = (id: string) =>
    formed(chosen(id))
      .groups.slice(0, -1)
      .flatMap((g) => g.parameters);
  expect(body("bitfit")).toEqual([
    "conv1.bias",
    "conv1.norm.bias",
    "conv2.bias",
    "conv2.norm.bias",
    "hidden.bias",
  ]);
  expect(body("batch-norm-only")).toEqual([
    "conv1.norm.weight",
    "conv1.norm.bias",
    "conv2.norm.weight",
    "conv2.norm.bias",
  ]);
});

test("a model without normalisation layers has nothing for batch-norm-only", async () => {
  const plain = await reference();
  expect(() => formed(chosen("batch-norm-only"), plain)).toThrow(
    'strategy "batch-norm-only" finds no normalisation weights before the head',
  );
});

test("chain-thaw: head, then each group from the first on, then all", () => {
  const stages = stagesOf("chain-thaw", 11);
  expect(stages.map((s) => [...s.rates.keys()])).toEqual([
    ["head"],
    ["conv1"],
    ["conv2"],
    ["hidden"],
    ["conv1", "conv2", "hidden", "head"],
  ]);
  expect(stages.map((s) => s.rates.values().next().value)).toEqual([
    1, 0.1, 0.1, 0.1, 0.1,
  ]);
  expect(stages.reduce((sum, s) => sum + s.epochs, 0)).toBe(11);
  expect(() => stagesOf("chain-thaw", 4)).toThrow("needs 5 epochs");
});

test("LP-FT: the head alone, then all", () => {
  const [probe, all] = stagesOf("lp-ft", 10, { probe: 0.3, rate: 0.1 });
  expect([probe?.epochs, all?.epochs]).toEqual([3, 7]);
  expect([...(probe?.rates.keys() ?? [])]).toEqual(["head"]);
  expect(all?.rates.get("conv1")).toBe(0.1);
  expect(() => stagesOf("lp-ft", 1)).toThrow("needs 2 epochs");
});

test("surgical: a third of the body, or groups by name, and the head", () => {
  const names = (params: object) =>
    stagesOf("surgical", 3, params).flatMap((s) => [...s.rates.keys()]);
  expect(names({})).toEqual(["conv1", "head"]);
  expect(names({ block: "middle" })).toEqual(["conv2", "head"]);
  expect(names({ block: "last" })).toEqual(["hidden", "head"]);
  expect(names({ groups: ["conv*"] })).toEqual(["conv1", "conv2", "head"]);
  expect(() => names({ groups: ["dense"] })).toThrow("named dense");
});

describe("WiSE-FT", () => {
  const between = (alpha: number) => {
    const { restore } = formed(chosen("wise-ft", { alpha }));
    const tuned = moved(moved(model, "hidden.weight"), "head.weight");
    return { tuned, shipped: restore(tuned, model) };
  };

  test("alpha 0 is the base under its probe, alpha 1 what was fine-tuned", async () => {
    expect(await answers(between(0).shipped)).toEqual(await answers(model));
    const { tuned, shipped } = between(1);
    expect(await answers(shipped)).toEqual(await answers(tuned));
  });

  test("in between are the weights in between, and frozen ones untouched", () => {
    const { tuned, shipped } = between(0.25);
    const value = (m: Model) =>
      m.graph.constants.get("hidden.weight") as FloatTensor;
    value(shipped).data.forEach((v, i) => {
      expect(v).toBeCloseTo(
        0.75 * value(model).data[i]! + 0.25 * value(tuned).data[i]!,
        5,
      );
    });
    expect(shipped.graph.constants.get("conv1.weight")).toBe(
      model.graph.constants.get("conv1.weight"),
    );
  });
});

test("a strategy without a form of its own trains the model as it is", () => {
  const form = formed(chosen("full"));
  expect(form.model).toBe(model);
  expect(form.restore(form.model, model)).toBe(model);
});
