import { describe, expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { compile, openModel } from "#model";
import { type FloatTensor, floats, readModel, type Tensor } from "#onnx";
import {
  differentiate,
  exportedNames,
  readExported,
  relative,
} from "../exported.ts";

/** Of every gradient, and of every output that is not rounded to eight bits. */
const TOLERANCE = 1e-4;

describe.each(exportedNames)("%s", (name) => {
  const model = readExported(name);
  const { inputs, cotangent } = model;

  test("its output and its gradients are the framework's", async () => {
    const { graph, gradients, output, places } = differentiate(model);
    const session = await onnxruntime.load(graph);
    const outputs = await session.run({ ...inputs, cotangent });
    await session.release();
    expect(relative(outputs[output], model.output), "output").toBeLessThan(
      model.tolerance ?? TOLERANCE,
    );
    const check = (value: string, wanted: Tensor, what: string) =>
      expect(
        relative(outputs[gradients.get(value) as string], wanted),
        `gradient of ${what}`,
      ).toBeLessThan(TOLERANCE);
    for (const [place, value] of places)
      check(value, model.gradients[place]!, place);
    for (const [weight, wanted] of Object.entries(model.weights))
      check(weight, wanted, `weight ${weight}`);
  });

  test("it is a model that can be attacked", async () => {
    const [first = ""] = Object.keys(inputs);
    const x = inputs[first]!;
    const sample = x.dims.slice(1);
    // The contract is channels first, and images of bytes are images of [0, 1].
    const bytes = x.type === "uint8";
    const attacked = await openModel(readModel(model.file), name, {
      input: {
        name: first,
        shape: bytes ? [3, 8, 8] : sample,
        layout: bytes ? "NHWC" : "NCHW",
        padding: name.startsWith("roberta") ? 1 : 0,
      },
    });
    const compiled = await compile(attacked, onnxruntime);
    const given = bytes
      ? floats([2, 3, 8, 8], new Float32Array(384).fill(0.3))
      : (x as FloatTensor);
    const { gradient, logits } = await compiled.lossGradient(
      given,
      Array.from({ length: given.dims[0] ?? 1 }, (_, i) => i % 2),
    );
    await compiled.release();
    expect(logits.dims).toEqual([given.dims[0], attacked.classes.length]);
    expect(gradient.data.every(Number.isFinite)).toBe(true);
    expect(gradient.data.some((g) => g !== 0)).toBe(true);
  });
});
