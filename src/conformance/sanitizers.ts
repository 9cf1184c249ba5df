import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { Random } from "#core";
import {
  type ChosenSanitizer,
  defend,
  type Fitted,
  type Sanitizer,
  sanitizers,
} from "#defenses";
import { onnxruntime } from "#engine";
import {
  argmaxRows,
  compile,
  drawNoise,
  loadModel,
  type Model,
  type NoiseInput,
  saveModel,
} from "#model";
import { emptyGraph, type FloatTensor, GraphBuilder, rows } from "#onnx";
import type { LawOptions } from "./attacks.ts";
import { examplesOf } from "./examples.ts";
import { ensure, ensureSame, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";
import { reference, smallDigits, streams, uniform } from "./world.ts";

export interface SanitizerOptions extends LawOptions {
  /** What is made may be outside the bounds: cutting it off would hide gradients. */
  readonly leavesBounds?: boolean;
  /** The share of the clean accuracy that it costs at most; a third when left out. */
  readonly cost?: number;
}

const place = once(async () => {
  const { test, train, validation } = await smallDigits();
  return { model: await reference(), test, train, validation };
});

/**
 * What the model behind a sanitizer would see of images [N, C, H, W]; [N, views, C, H,
 * W] where it makes several.
 */
export async function sanitized(
  unit: Sanitizer,
  images: FloatTensor,
  params: Record<string, unknown> = {},
  { fitted = new Map(), seed = 0 }: { fitted?: Fitted; seed?: number } = {},
): Promise<FloatTensor> {
  const b = new GraphBuilder(emptyGraph("sanitizer"));
  const [n = 0, ...shape] = images.dims;
  const noise: NoiseInput[] = [];
  b.input({ name: "x", type: "float32", dims: ["batch", ...shape] });
  const out = unit.build(
    b,
    "x",
    unit.params.parse(params),
    { contract: { shape, bounds: [0, 1] } } as unknown as Model,
    {
      fitted: (name) => fitted.get(name) as FloatTensor,
      draw(distribution, dims) {
        const name = `noise${noise.length}`;
        noise.push({ name, distribution, dims });
        return b.input({ name, type: "float32", dims: ["batch", ...dims] });
      },
    },
  );
  const session = await onnxruntime.load(b.build([out]));
  const drawn = drawNoise(noise, streams(n, seed));
  const result = await session.run({ x: images, ...drawn });
  await session.release();
  return result[out] as FloatTensor;
}

/** How many of the test samples a model gets right, each by one draw. */
async function right(model: Model, images?: FloatTensor): Promise<number> {
  const { test } = await place();
  const compiled = await compile(model, onnxruntime);
  const drawn = streams(test.y.length, 7);
  const said = argmaxRows(await compiled.logits(images ?? test.x, drawn));
  await compiled.release();
  return said.filter((p, i) => p === test.y[i]).length;
}

/** Auto-PGD's examples, the gradient averaged over draws where there are any. */
async function broken(model: Model): Promise<FloatTensor> {
  const { test } = await place();
  return examplesOf("apgd-ce", model, test, 0.15, {
    ...{ steps: 10, restarts: 1, eot: model.noise ? 5 : 1 },
  });
}

/**
 * The laws of sanitizers, on a small network and 8x8 digits.
 *
 * @param options mild parameters, by which most of the accuracy is kept
 * @example
 * ```ts
 * import { sanitizerLaws } from "assay/conformance";
 * import { fade } from "./fade.ts";
 *
 * for (const { title, check } of sanitizerLaws(fade)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function sanitizerLaws(
  unit: Sanitizer,
  { params: stated = {}, leavesBounds = false, cost }: SanitizerOptions = {},
): Law[] {
  const chosen = once(async (): Promise<ChosenSanitizer> => {
    const { model, train, validation } = await place();
    const params = unit.params.parse(stated);
    const random = new Random(5);
    const fitted = await unit.fit?.(
      {
        model,
        engine: onnxruntime,
        train,
        validation,
        random,
        onProgress() {},
      },
      params,
    );
    return { unit, params, fitted };
  });
  const defended = once(async () =>
    defend((await place()).model, [await chosen()]),
  );
  return [
    {
      title:
        "keeps shape and bounds, and gives the same bytes for the same seed",
      async check() {
        const { params, fitted } = await chosen();
        const { shape } = (await place()).model.contract;
        const dims = unit.fit ? [3, ...shape] : [3, 3, 7, 5];
        const input = uniform(1, dims);
        const made = (seed: number) =>
          sanitized(unit, input, params, { fitted, seed });
        const one = await made(1);
        const views = unit.views?.(params) ?? 1;
        ensureSame(
          views === 1 ? dims : [3, views, ...dims.slice(1)],
          one.dims,
          "the shape",
        );
        const stray = one.data.find((v) => !(v >= -1e-6 && v <= 1 + 1e-6));
        if (!leavesBounds)
          ensure(stray === undefined, `${stray} is outside the bounds 0 and 1`);
        ensureSame(one.data, (await made(1)).data, "twice");
        const draws = (await defended()).noise !== undefined;
        ensure(!draws || unit.draws === true, "it draws, and does not say so");
        const other = (await made(2)).data;
        ensure(
          one.data.every((v, i) => v === other[i]) === !draws,
          draws
            ? "another seed gives the same, though it draws"
            : "another seed gives something else, though it draws nothing",
        );
      },
    },
    {
      title: "an adaptive attack gets a gradient through it",
      check: async () => gradientPasses(await defended()),
    },
    {
      title: "the hardened file gives the same answers in plain onnxruntime",
      async check() {
        const { model } = await place();
        const own = await chosen();
        const rounding = sanitizers.find(({ id }) => id === "bit-depth")!;
        const params = rounding.params.parse({ bits: 4 });
        await sameInPlainOrt(
          defend(model, [own, { unit: rounding, params }, own]),
        );
      },
    },
    {
      title: "costs no more of the clean accuracy than is said",
      async check() {
        const before = await right((await place()).model);
        const after = await right(await defended());
        const least = (1 - (cost ?? 1 / 3)) * before;
        ensure(
          after > least,
          `${after} samples are right behind it, of ${before} without it`,
        );
      },
    },
    {
      title:
        "an attack that knows it breaks about as much as one that does not, or more",
      async check() {
        const { model, test } = await place();
        const behind = await defended();
        const asIs = await right(behind, await broken(model));
        const adaptive = await right(behind, await broken(behind));
        ensure(
          adaptive <= asIs + 0.1 * test.y.length,
          `${adaptive} samples stand under an attack that knows it, ${asIs} under one that does not`,
        );
      },
    },
    saysWhatItIs("sanitizer", unit),
  ];
}

/** The gradient pass sees the same model as the forward pass, however it is batched. */
async function gradientPasses(model: Model): Promise<void> {
  const { x, y } = (await place()).test;
  const compiled = await compile(model, onnxruntime);
  const drawn = streams(y.length, 1);
  const { gradient, logits } = await compiled.lossGradient(x, y, {}, drawn);
  const width = gradient.data.length / y.length;
  for (let i = 0; i < y.length; i++)
    ensure(
      gradient.data.subarray(i * width, (i + 1) * width).some((g) => g !== 0),
      `the gradient of sample ${i} is zero everywhere`,
    );
  const one = await compiled.logits(x, streams(y.length, 1));
  const half = y.length >> 1;
  const parts = [
    await compiled.logits(
      rows(x, 0, half) as FloatTensor,
      streams(y.length, 1).slice(0, half),
    ),
    await compiled.logits(
      rows(x, half, y.length) as FloatTensor,
      streams(y.length, 1).slice(half),
    ),
  ];
  const halves = parts.flatMap((part) => [...part.data]);
  await compiled.release();
  for (const [i, z] of logits.data.entries())
    ensure(
      Math.abs(z - one.data[i]!) < 5e-4 &&
        Math.abs(halves[i]! - one.data[i]!) < 5e-4,
      `logit ${i} is ${one.data[i]} forward, ${z} with the gradient, ${halves[i]} in halves`,
    );
}

/** A saved model answers as the model does, where it draws nothing at random. */
async function sameInPlainOrt(model: Model): Promise<void> {
  const { x, y } = (await place()).test;
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  try {
    const file = join(folder, "hardened.onnx");
    saveModel(file, model);
    const plain = await ort.InferenceSession.create(file);
    ensure(
      plain.inputNames.join() === model.input,
      `the file has the inputs ${plain.inputNames.join(", ")}, expected ${model.input}`,
    );
    const out = await plain.run({
      [model.input]: new ort.Tensor("float32", x.data, x.dims),
    });
    const answers = out[plain.outputNames[0]!]!;
    const ours = await compile(model, onnxruntime);
    const drawn = () => streams(y.length, 1);
    const logits = await ours.logits(x, drawn());
    ensureSame(logits.dims, answers.dims, "the shape, then the file's");
    const said = answers.data as Float32Array;
    ensure(said.every(Number.isFinite), "the file's logits are not finite");
    if (!model.noise)
      ensureSame(logits.data, said, "the logits, then the file's");
    // Read again, it draws from our generators, and can still be attacked through its
    // rounding and sorting.
    const again = await compile(await loadModel(file), onnxruntime);
    const read = await again.logits(x, drawn());
    ensureSame(logits.data, read.data, "the logits, then those read again");
    const gradient = async (of: typeof ours) =>
      (await of.lossGradient(x, y, {}, drawn())).gradient.data;
    ensureSame(
      await gradient(ours),
      await gradient(again),
      "the gradient, then that of the file that was read again",
    );
    await ours.release();
    await again.release();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
