import { beforeAll, expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { defend, type Fitted, type Sanitizer, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { attacked } from "../attacks/attacked.ts";
import { reference, smallDigits } from "../reference.ts";
import { sanitized } from "../sanitized.ts";

let model: Model;
let train: Dataset;
let validation: Dataset;
let x: FloatTensor;
let y: Int32Array;

beforeAll(async () => {
  model = await reference();
  const parts = await smallDigits();
  ({ train, validation } = parts);
  ({ x, y } = parts.test);
});

const unitOf = (id: string) => sanitizers.find((s) => s.id === id) as Sanitizer;

function fitOf(unit: Sanitizer, params: Record<string, unknown>) {
  const input = {
    model,
    engine: onnxruntime,
    train,
    validation,
    random: new Random(1),
    onProgress() {},
  };
  return unit.fit?.(input, unit.params.parse(params)) as Promise<Fitted>;
}

const distance = (a: FloatTensor, b: FloatTensor) =>
  a.data.reduce((sum, v, i) => sum + (v - b.data[i]!) ** 2, 0) / a.data.length;

test("the autoencoder takes noise away that it was trained on, and is the same for the same seed", async () => {
  const unit = unitOf("denoising-autoencoder");
  const params = {
    channels: 8,
    noise: 0.3,
    epochs: 25,
    batchSize: 16,
    learningRate: 0.01,
  };
  const fitted = await fitOf(unit, params);
  const random = new Random(2);
  const noisy = {
    ...x,
    data: x.data.map((v) =>
      Math.min(1, Math.max(0, v + 0.3 * random.normal())),
    ),
  };
  const cleaned = await sanitized(unit, noisy, params, { fitted });
  expect(distance(cleaned, x)).toBeLessThan(0.7 * distance(noisy, x));

  const short = { ...params, epochs: 1 };
  const [one, two] = [await fitOf(unit, short), await fitOf(unit, short)];
  expect([...two]).toEqual([...one]);
});

test("the guided denoiser brings logits back to those of clean images, behind which attacks do not know it", async () => {
  const unit = unitOf("guided-denoiser");
  const params = {
    width: 4,
    eps: 0.2,
    epochs: 12,
    batchSize: 16,
    learningRate: 0.004,
  };
  const fitted = await fitOf(unit, params);
  const before = new Map(model.graph.constants);
  const { examples } = await attacked(
    "fgsm",
    model,
    { x, y },
    { norm: "linf", eps: 0.15 },
  );
  const guided = defend(model, [
    { unit, params: unit.params.parse(params), fitted },
  ]);
  const logits = async (m: Model, images: FloatTensor) => {
    const compiled = await compile(m, onnxruntime);
    const out = await compiled.logits(images);
    await compiled.release();
    return out;
  };
  const clean = await logits(model, x);
  const apart = distance(await logits(model, examples), clean);
  expect(distance(await logits(guided, examples), clean)).toBeLessThan(
    0.7 * apart,
  );
  // The model behind it is as it was.
  for (const [name, value] of before)
    expect(guided.graph.constants.get(name)).toBe(value);
});

test("a defence that learns is refused where it was not fitted", () => {
  const unit = unitOf("pca");
  expect(() =>
    defend(model, [{ unit, params: unit.params.parse({}) }]),
  ).toThrowError(/has to be fitted/);
});
