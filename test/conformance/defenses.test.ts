import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import {
  defend,
  type Sanitizer,
  sanitizers,
  trainingDefenses,
} from "#defenses";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, loadModel, type Model, saveModel } from "#model";
import { emptyGraph, type FloatTensor, floats, GraphBuilder } from "#onnx";
import { reference, smallDigits } from "../reference.ts";

let model: Model;
let x: FloatTensor;
let y: Int32Array;

beforeAll(async () => {
  model = await reference();
  const { test: data } = await smallDigits();
  ({ x, y } = data);
}, 60_000);

const chosen = (unit: Sanitizer, params: Record<string, unknown> = {}) => [
  { unit, params: unit.params.parse(params) },
];

/** Only the sanitizer, on images [N, C, H, W]. */
async function apply(
  unit: Sanitizer,
  input: FloatTensor,
  params: Record<string, unknown> = {},
): Promise<FloatTensor> {
  const b = new GraphBuilder(emptyGraph("sanitizer"));
  const dims = input.dims.slice(1);
  b.input({ name: "x", type: "float32", dims: ["batch", ...dims] });
  const out = unit.build(b, "x", unit.params.parse(params), {
    ...model,
    contract: { shape: dims, bounds: [0, 1] },
  });
  const session = await onnxruntime.load(b.build([out]));
  const result = (await session.run({ x: input }))[out] as FloatTensor;
  await session.release();
  return result;
}

describe.each(sanitizers.map((s) => [s.id, s] as const))(
  "sanitizer %s",
  (_id, unit) => {
    test("keeps shape and bounds, and gives the same bytes twice", async () => {
      const random = new Random(1);
      const input = floats(
        [3, 3, 7, 5],
        Array.from({ length: 315 }, () => random.uniform()),
      );
      const [one, two] = [await apply(unit, input), await apply(unit, input)];
      expect(one.dims).toEqual(input.dims);
      expect(one.data.every((v) => v >= 0 && v <= 1 + 1e-6)).toBe(true);
      expect(two.data).toEqual(one.data);
    });

    test("an adaptive attack gets a gradient through it", async () => {
      const defended = await compile(defend(model, chosen(unit)), onnxruntime);
      const { gradient, logits } = await defended.lossGradient(x, y);
      const width = gradient.data.length / y.length;
      for (let i = 0; i < y.length; i++) {
        expect(
          gradient.data
            .subarray(i * width, (i + 1) * width)
            .some((g) => g !== 0),
        ).toBe(true);
      }
      // The gradient pass sees the same model as the forward pass.
      const plain = await defended.logits(x);
      for (const [i, z] of logits.data.entries()) {
        expect(z).toBeCloseTo(plain.data[i] as number, 3);
      }
      await defended.release();
    });

    test("the hardened file gives the same answers in plain onnxruntime", async () => {
      const defended = defend(model, [...chosen(unit), ...chosen(unit)]);
      const file = join(mkdtempSync(join(tmpdir(), "assay-")), "hardened.onnx");
      saveModel(file, defended);
      const plain = await ort.InferenceSession.create(file);
      const out = await plain.run({
        [plain.inputNames[0] as string]: new ort.Tensor(
          "float32",
          x.data,
          x.dims,
        ),
      });
      const ours = await compile(defended, onnxruntime);
      expect(out[plain.outputNames[0] as string]?.data).toEqual(
        (await ours.logits(x)).data,
      );
      // Read again, it can still be attacked through its rounding and sorting.
      const again = await compile(loadModel(file), onnxruntime);
      expect((await again.lossGradient(x, y)).gradient.data).toEqual(
        (await ours.lossGradient(x, y)).gradient.data,
      );
    });

    test("costs at most a third of the clean accuracy on the reference task", async () => {
      const right = async (m: Model) => {
        const compiled = await compile(m, onnxruntime);
        const n = argmaxRows(await compiled.logits(x)).filter(
          (p, i) => p === y[i],
        ).length;
        await compiled.release();
        return n / y.length;
      };
      const mild = { "bit-depth": { bits: 4 }, median: { size: 3 } }[unit.id];
      expect(
        mild,
        "state the mildest parameters of a new sanitizer here",
      ).toBeDefined();
      expect(await right(defend(model, chosen(unit, mild)))).toBeGreaterThan(
        (2 / 3) * (await right(model)),
      );
    });
  },
);

test("bit depth rounds to the nearest level", async () => {
  const unit = sanitizers.find((s) => s.id === "bit-depth") as Sanitizer;
  const out = await apply(
    unit,
    floats([1, 1, 1, 6], [0, 0.1, 0.2, 0.49, 0.51, 1]),
    { bits: 2 },
  );
  for (const [i, v] of [0, 0, 1 / 3, 1 / 3, 2 / 3, 1].entries()) {
    expect(out.data[i]).toBeCloseTo(v, 6);
  }
});

test("median is the rank filter that it says, at every pixel and size", async () => {
  const unit = sanitizers.find((s) => s.id === "median") as Sanitizer;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 3, max: 6 }),
      fc.integer({ min: 3, max: 6 }),
      fc.nat(),
      async (size, h, w, seed) => {
        const random = new Random(seed);
        const pixels = Array.from({ length: h * w }, () =>
          Math.fround(random.uniform()),
        );
        const out = await apply(unit, floats([1, 1, h, w], pixels), { size });
        const mirrored = (at: number, length: number) => {
          const folded = ((at % (2 * length)) + 2 * length) % (2 * length);
          return folded < length ? folded : 2 * length - 1 - folded;
        };
        for (let r = 0; r < h; r++) {
          for (let c = 0; c < w; c++) {
            const window: number[] = [];
            for (let i = 0; i < size; i++) {
              for (let j = 0; j < size; j++) {
                const row = mirrored(r + i - Math.floor(size / 2), h);
                const column = mirrored(c + j - Math.floor(size / 2), w);
                window.push(pixels[row * w + column] as number);
              }
            }
            window.sort((a, b) => a - b);
            expect(out.data[r * w + c]).toBe(
              window[Math.floor((size * size) / 2)],
            );
          }
        }
      },
    ),
    { numRuns: 15 },
  );
});

test("an adaptive attack sees through what an unaware one does not", async () => {
  // Rounding to two levels has no gradient of its own; straight-through gives one.
  const unit = sanitizers.find((s) => s.id === "bit-depth") as Sanitizer;
  const defended = defend(model, chosen(unit, { bits: 1 }));
  const exact = await compile(
    { ...defended, straightThrough: [] },
    onnxruntime,
  );
  await expect(exact.lossGradient(x, y)).rejects.toMatchObject({
    code: "GRADIENT_NO_PATH",
  });
});

describe.each(trainingDefenses.map((d) => [d.id, d] as const))(
  "training defence %s",
  (_id, unit) => {
    const batch = async (params: Record<string, unknown>) => {
      const compiled = await compile(model, onnxruntime);
      const out = await unit.transform(
        {
          x,
          y,
          model: compiled,
          bounds: [0, 1],
          random: Array.from(y, (_, i) => new Random(i)),
        },
        unit.params.parse(params),
      );
      const logits = await compiled.logits(out);
      await compiled.release();
      return {
        out,
        right: argmaxRows(logits).filter((p, i) => p === y[i]).length,
      };
    };

    test("keeps the shape, is deterministic, and makes the batch harder", async () => {
      const { out, right } = await batch({
        eps: 0.2,
        steps: 10,
        relStepSize: 0.2,
      });
      expect(out.dims).toEqual(x.dims);
      expect(
        (await batch({ eps: 0.2, steps: 10, relStepSize: 0.2 })).out.data,
      ).toEqual(out.data);
      const easy = await batch({ eps: 1e-6, steps: 1 });
      expect(right).toBeLessThan(easy.right);
    });
  },
);

test("adversarial training leaves the share of clean samples that mix states", async () => {
  const unit = trainingDefenses.find((d) => d.id === "pgd-at");
  const compiled = await compile(model, onnxruntime);
  const out = await unit?.transform(
    {
      x,
      y,
      model: compiled,
      bounds: [0, 1],
      random: Array.from(y, (_, i) => new Random(i)),
    },
    unit.params.parse({ steps: 1, mix: 0.25 }),
  );
  const width = x.data.length / y.length;
  const same = Array.from(y, (_, i) => i).filter((i) =>
    x.data
      .subarray(i * width, (i + 1) * width)
      .every((v, k) => v === out?.data[i * width + k]),
  );
  expect(same).toHaveLength(Math.round(0.75 * y.length));
});
