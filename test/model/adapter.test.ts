import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packagePath, Random } from "#core";
import { adaptedModules, loadModel } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { temporaryFolder } from "../folder.ts";
import { type Entry, f32, safetensorsOf } from "./safetensors-of.ts";

const folder = temporaryFolder();
const base = packagePath("suites/language/base.onnx");
const before = await loadModel(base);
const weights = () => join(folder, "adapter_model.safetensors");
const config = { peft_type: "LORA", r: 2, lora_alpha: 8, bias: "none" };
const random = new Random("adapter");

const drawn = (...dims: number[]) =>
  floats(
    dims,
    Float32Array.from({ length: dims[0]! * dims[1]! }, () => random.normal()),
  );

/** As PEFT names them: a module of the policy world's decoder, whose width is 96. */
const named = (module: string, half: "A" | "B") =>
  `base_model.model.${module}.lora_${half}.weight`;
const qkv = "block1.attention.qkv";
const [a, b] = [drawn(2, 96), drawn(288, 2)];
const plain = { [named(qkv, "A")]: f32(a), [named(qkv, "B")]: f32(b) };

function put(entries: Record<string, Entry>, stated: object): string {
  writeFileSync(weights(), safetensorsOf(entries));
  writeFileSync(join(folder, "adapter_config.json"), JSON.stringify(stated));
  return weights();
}

/** Quicker to compare than numbers. */
const bytesOf = (data: unknown) =>
  ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString(
        "base64",
      )
    : String(data);

const weightOf = (model: typeof before, module: string) =>
  model.graph.constants.get(`${module}.weight`) as FloatTensor;

test.each([
  ["alpha / r", {}, 4],
  ["alpha / sqrt(r)", { use_rslora: true }, 8 / Math.SQRT2],
  ["that of a pattern", { alpha_pattern: { "attention.qkv": 2 } }, 1],
])(
  "an adapter is merged by %s, and nothing else moves",
  async (_, more, scale) => {
    const path = put(plain, { ...config, ...more });
    const after = await loadModel(base, { weights: path });
    const [was, is] = [weightOf(before, qkv), weightOf(after, qkv)];
    // The graph multiplies from the left, so inputs come first.
    expect(was.dims).toEqual([96, 288]);
    for (let i = 0; i < 96; i += 5)
      for (let o = 0; o < 288; o += 7) {
        let sum = 0;
        for (let k = 0; k < 2; k++)
          sum += b.data[o * 2 + k]! * a.data[k * 96 + i]!;
        const at = i * 288 + o;
        expect(is.data[at]! - was.data[at]!).toBeCloseTo(scale * sum, 4);
      }
    for (const [name, tensor] of before.graph.constants)
      if (name !== `${qkv}.weight`)
        expect(bytesOf(after.graph.constants.get(name)!.data), name).toBe(
          bytesOf(tensor.data),
        );
  },
);

test("how much each module is changed is told", () => {
  const column = (n: number, at: number, value: number) =>
    Float32Array.from({ length: n }, (_, i) => (i === at ? value : 0));
  // Two directions, 3 x 4 and 1 x 2, each twice as long by the scale.
  const left = new Float32Array(4);
  left.set([3, 0, 0, 1]);
  const out = "block1.attention.out";
  const path = put(
    {
      [named(qkv, "A")]: f32({
        dims: [2, 3],
        data: Float32Array.of(4, 0, 0, 0, 2, 0),
      }),
      [named(qkv, "B")]: f32({ dims: [2, 2], data: left }),
      [named(out, "A")]: f32({
        dims: [2, 3],
        data: new Float32Array([...column(3, 0, 1), 0, 0, 0]),
      }),
      [named(out, "B")]: f32({ dims: [2, 2], data: column(4, 0, 1) }),
    },
    { ...config, lora_alpha: 4 },
  );
  const [one, other] = adaptedModules(path, readSafetensors(path));
  expect(one!.module).toBe(qkv);
  expect(one!.norm).toBeCloseTo(2 * Math.hypot(12, 2), 6);
  expect(one!.stableRank).toBeCloseTo((144 + 4) / 144, 6);
  expect(other!.norm).toBeCloseTo(2, 6);
  expect(other!.stableRank).toBeCloseTo(1, 6);
  expect(one!.share + other!.share).toBeCloseTo(1, 9);
  expect(other!.share).toBeCloseTo(1 / 149, 6);
});

const refusals: [string, Record<string, Entry>, object, RegExp][] = [
  [
    "no configuration fits",
    plain,
    { ...config, use_dora: true },
    /"use_dora" that cannot be merged/,
  ],
  ["biases", plain, { ...config, bias: "all" }, /"bias" that cannot be merged/],
  [
    "whole modules",
    plain,
    { ...config, modules_to_save: ["head"] },
    /"modules_to_save" that/,
  ],
  ["another rank", plain, { ...config, r: 4 }, /have rank 2, .* says 4/],
  [
    "a half",
    { [named(qkv, "A")]: f32(a) },
    config,
    /the factors of block1.attention.qkv are \[2, 96\] and \[\]/,
  ],
  [
    "an unknown module",
    { [named("nowhere", "A")]: f32(a), [named("nowhere", "B")]: f32(b) },
    config,
    /adapts nowhere, which no layer/,
  ],
  [
    "other shapes",
    { ...plain, [named(qkv, "A")]: f32(drawn(2, 95)) },
    config,
    /make \[95, 288\], the weight of the model is \[96, 288\]/,
  ],
  [
    "what is no factor",
    { ...plain, "base_model.model.head.weight": f32(a) },
    config,
    /holds "base_model.model.head.weight" beside its factors/,
  ],
  [
    "NaN",
    {
      ...plain,
      [named(qkv, "A")]: f32({
        ...a,
        data: a.data.map((v, i) => (i === 3 ? NaN : v)),
      }),
    },
    config,
    /has numbers that are not finite/,
  ],
];

test.each(refusals)(
  "%s: one line says so",
  async (_, entries, stated, line) => {
    const path = put(entries, stated);
    await expect(loadModel(base, { weights: path })).rejects.toThrow(line);
  },
);
