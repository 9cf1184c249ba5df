import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { fitToSuite, loadSuite, runAudit } from "#audit";
import { choiceOf } from "#core";
import { defend as inFront, reactiveDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import type { Strategy } from "#tuning";
import {
  type Dataset,
  defend,
  evaluate,
  fineTune,
  loadData,
  loadModel,
  type Model,
  saveModel,
  selectClasses,
  splitData,
} from "../../src/index.ts";
import { put, temporaryFolder } from "../folder.ts";
import { normalised, reference } from "../reference.ts";

const folder = temporaryFolder();
const suite = put(
  folder,
  "suite.yaml",
  `
version: 1
title: the same by a suite
seed: 5
data: { source: digits }
classes: ["5", "6", "7"]
samples: 10
base: { model: base.onnx }
candidates:
  full:
    strategy: full
    training: label-smoothing
    regularizer: l2-sp
    epochs: 2
    learningRate: 0.002
threatModels:
  linf-0.1: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
`,
);

let base: Model;
let parts: { train: Dataset; validation: Dataset; test: Dataset };

beforeAll(async () => {
  saveModel(join(folder, "base.onnx"), await reference());
  base = await loadModel(join(folder, "base.onnx"));
  const digits = selectClasses(await loadData({ source: "digits" }), [
    ..."567",
  ]);
  parts = splitData(digits, undefined, 5);
});

const weightsOf = ({ graph }: Model) =>
  [...graph.constants.values()]
    .filter(({ type }) => type === "float32")
    .map(({ data }) => data);

test("a fine-tuned model has the weights that a suite's candidate has", async () => {
  const out = join(folder, "out");
  await runAudit({ suite, out });
  const [file = ""] = readdirSync(join(out, "models")).filter((name) =>
    /^full-.*\.onnx$/.test(name),
  );
  const bySuite = await loadModel(join(out, "models", file));
  const epochs: number[] = [];
  const { model, history, ended } = await fineTune(base, {
    train: parts.train,
    validation: parts.validation,
    strategy: "full",
    training: "label-smoothing",
    regularizer: "l2-sp",
    epochs: 2,
    learningRate: 0.002,
    seed: 5,
    onEpoch: ({ epoch }) => epochs.push(epoch),
  });
  expect(weightsOf(model)).toEqual(weightsOf(bySuite));
  expect(epochs).toEqual([1, 2]);
  expect(history.length).toBe(2);
  expect(ended).toBe("finished");
});

test("a strategy of one's own and a schedule that is a function are used", async () => {
  const steps: number[] = [];
  const last: Strategy = {
    id: "last",
    title: "The last group",
    reference: "none",
    summary: "trains the last group",
    params: z.strictObject({}),
    stages: (groups, epochs) => [
      { epochs, rates: new Map([[groups.at(-1)!.name, 1]]) },
    ],
  };
  const { model, trainableParameters } = await fineTune(base, {
    train: parts.train,
    validation: parts.validation,
    strategy: last,
    schedule: (step, total) => {
      if (total !== 100) steps.push(step);
      return 1;
    },
    epochs: 1,
  });
  const [first] = weightsOf(base);
  expect(weightsOf(model)[0]).toEqual(first);
  expect(trainableParameters).toBe(3 * (64 + 1));
  expect(steps.length).toBeGreaterThan(5);
});

test("a base is adapted without labels", async () => {
  const digits = selectClasses(await loadData({ source: "digits" }), [
    ..."01234",
  ]);
  const { train, validation } = splitData(digits);
  const adaptation = { id: "tent", epochs: 1 };
  const withNorms = normalised(base);
  const { model, trainableParameters, history } = await fineTune(withNorms, {
    ...{ train, validation, adaptation },
  });
  expect(model.classes).toEqual(base.classes);
  expect(trainableParameters).toBeNull();
  expect(history.length).toBe(1);
  expect(weightsOf(model)).not.toEqual(weightsOf(withNorms));
});

test.each([
  [{ strategy: "ful" }, 'did you mean "full"'],
  [{ strategy: "full", epoch: 3 }, '"epochs"'],
  [{ strategy: "full", epochs: 0 }, "epochs"],
  [{}, "strategy"],
])("%j is refused in one line", async (odd, told) => {
  const { train, validation } = parts;
  const options = { train, validation, ...odd };
  await expect(fineTune(base, options)).rejects.toMatchObject({
    code: "ARGUMENT_INVALID",
    message: expect.stringContaining(told),
  });
});

test("a defence is fitted as on the data of a suite", async () => {
  const { train, validation } = parts;
  const { model } = await fineTune(base, {
    ...{ train, validation, strategy: "head-only", epochs: 1 },
  });
  const fit = { train, validation, seed: 5 };
  const choices = [{ id: "pca", components: 10 }, "max-softmax"] as const;
  const defended = await defend(model, choices, fit);
  const named = choices.map((one) => choiceOf(reactiveDefenses).parse(one));
  const bySuite = inFront(
    model,
    await fitToSuite(named, model, await loadSuite(suite), onnxruntime),
  );
  expect(weightsOf(defended)).toEqual(weightsOf(bySuite));
  expect(defended.detectors).toEqual(bySuite.detectors);
  const { rejected } = await evaluate(defended, parts.test);
  expect(rejected?.n).toBe(parts.test.y.length);
  await expect(defend(model, ["max-softmax"])).rejects.toMatchObject({
    code: "DEFENSE_FIT",
  });
  await expect(defend(model, ["bit-dept"])).rejects.toMatchObject({
    message: expect.stringContaining('did you mean "bit-depth"'),
  });
});
