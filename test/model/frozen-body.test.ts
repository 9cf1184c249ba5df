import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packagePath } from "#core";
import { onnxruntime } from "#engine";
import {
  asFed,
  compile,
  type Divided,
  divide,
  type Input,
  layerGroups,
  type Model,
} from "#model";
import { type FloatTensor, floats, sizeOf } from "#onnx";
import { exported } from "./exported.ts";

const names = readdirSync(packagePath("test/fixtures/exported"))
  .filter((f) => f.endsWith(".onnx") && !f.includes("external"))
  .map((f) => f.replace(/\.onnx$/, ""));

const halves = new Map<string, Divided | undefined>();

/** What the two parts of a model say one after the other. */
async function inTwo(model: Model, d: Divided, x: Input): Promise<FloatTensor> {
  const body = await onnxruntime.load(d.body);
  const outputs = await body.run({
    [model.input]: asFed(x, model.graph, model.input),
  });
  await body.release();
  const n = x.dims[0] ?? 0;
  const packed = new Float32Array(n * d.width);
  let at = 0;
  for (const [c, { dims }] of d.crossings.entries()) {
    const value = outputs[d.body.outputs[c]?.name ?? ""];
    expect(value?.dims).toEqual([n, ...dims]);
    const size = sizeOf(dims);
    for (let i = 0; i < n; i++)
      for (let k = 0; k < size; k++)
        packed[i * d.width + at + k] = Number(value?.data[i * size + k]);
    at += size;
  }
  const rest = await compile(d.rest, onnxruntime);
  const said = await rest.logits(floats([n, ...d.shape], packed));
  await rest.release();
  return said;
}

/** The logits of the whole, and the same in two parts, are one but for rounding. */
async function expectSame(model: Model, d: Divided, x: Input) {
  const whole = await compile(model, onnxruntime);
  const wanted = await whole.logits(x);
  await whole.release();
  const seen = await inTwo(model, d, x);
  expect(seen.dims).toEqual(wanted.dims);
  const scale = Math.max(1e-3, ...wanted.data.map(Math.abs));
  seen.data.forEach((v, i) => {
    expect(Math.abs(v - wanted.data[i]!) / scale).toBeLessThan(1e-5);
  });
}

const trainedOf = (d: Divided) => new Set(d.rest.graph.constants.keys());

describe.each(names)("%s", (name) => {
  test("says the same in two parts, before its head and before its upper half", async () => {
    const { model, x } = exported(name);
    const groups = layerGroups(model.graph);
    const head = groups.slice(-1).flatMap((g) => g.parameters);
    const half = groups
      .slice(Math.floor(groups.length / 2))
      .flatMap((g) => g.parameters);
    for (const trained of [head, half]) {
      const d = divide(model, trained);
      halves.set(`${name} ${trained === head ? "head" : "half"}`, d);
      if (!d) continue;
      for (const weight of trained) expect(trainedOf(d)).toContain(weight);
      await expectSame(model, d, x as Input);
    }
  });
});

test("most of these models can be divided", () => {
  const none = [...halves].filter(([, d]) => !d).map(([key]) => key);
  expect(none).toMatchInlineSnapshot(`
    [
      "gru.dynamo half",
      "gru.keras head",
      "gru.keras half",
      "logistic-normalised.sklearn head",
      "logistic-normalised.sklearn half",
      "logistic-two.sklearn head",
      "logistic-two.sklearn half",
      "logistic.sklearn head",
      "logistic.sklearn half",
      "lstm.dynamo half",
      "small.qdq head",
      "small.qdq half",
      "small.qoperator head",
      "small.qoperator half",
      "steps.torchscript head",
      "steps.torchscript half",
      "zipped.sklearn head",
      "zipped.sklearn half",
    ]
  `);
});
