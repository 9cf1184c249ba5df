import { describe, expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { floats } from "#onnx";
import { optimizers } from "#tuning";
import { openStep } from "../../src/tuning/step.ts";
import { linearModel } from "../reference.ts";

const W = [
  [0.5, -0.2, 0.1],
  [-0.3, 0.4, 0.2],
];
const B = [0.05, -0.05];
const X = [
  [0.2, 0.7, 0.1],
  [0.9, 0.3, 0.5],
];
const Y = Int32Array.of(0, 1);

/** Mean cross-entropy gradients of the linear model, by hand. */
function gradients(w: number[][], b: number[]) {
  const dw = w.map((r) => r.map(() => 0));
  const db = b.map(() => 0);
  X.forEach((x, n) => {
    const z = w.map((r, k) => r.reduce((s, v, i) => s + v * x[i]!, b[k]!));
    const sum = z.reduce((s, v) => s + Math.exp(v), 0);
    z.forEach((v, k) => {
      const d = (Math.exp(v) / sum - Number(k === Y[n])) / X.length;
      db[k]! += d;
      x.forEach((xi, i) => {
        dw[k]![i]! += d * xi;
      });
    });
  });
  return [...dw.flat(), ...db];
}

type Update = (w: number, g: number, state: number[], t: number) => number;
const rate = 0.1;
const byHand: Record<string, Update> = {
  sgd: (w, g, s) => {
    s[0] = 0.9 * (s[0] ?? 0) + g + 0.01 * w;
    return w - rate * s[0];
  },
  adamw: (w, g, s, t) => {
    s[0] = 0.9 * (s[0] ?? 0) + 0.1 * g;
    s[1] = 0.999 * (s[1] ?? 0) + 0.001 * g * g;
    const direction =
      s[0] / (1 - 0.9 ** t) / (Math.sqrt(s[1] / (1 - 0.999 ** t)) + 1e-8);
    return w - rate * (direction + 0.01 * w);
  },
};

const rates = new Map([
  ["head.weight", 1],
  ["head.bias", 1],
]);

async function steps(
  count: number,
  id: string,
  stated: Record<string, number>,
  clipNorm: number | null,
  rate: number,
): Promise<number[]> {
  const unit = optimizers.find(
    (o) => o.id === id,
  ) as (typeof optimizers)[number];
  const step = await openStep(
    linearModel(W, B),
    rates,
    {
      settings: {
        optimizer: { unit, params: unit.params.parse(stated) },
        clipNorm,
        batchNorm: "frozen",
      },
    },
    onnxruntime,
  );
  for (let t = 0; t < count; t++)
    await step.take({ x: floats([2, 3], X.flat()), y: Y }, rate);
  await step.release();
  return [...rates.keys()].flatMap((name) =>
    Array.from(step.weights.get(name)?.data ?? []),
  );
}

describe.each(Object.keys(byHand))("%s", (id) => {
  test("takes the steps that the formula takes", async () => {
    let all = [...W.flat(), ...B];
    const states = all.map((): number[] => []);
    for (let t = 1; t <= 3; t++) {
      const g = gradients([all.slice(0, 3), all.slice(3, 6)], all.slice(6));
      all = all.map((w, i) => byHand[id]!(w, g[i]!, states[i]!, t));
    }
    const seen = await steps(3, id, { weightDecay: 0.01 }, null, rate);
    seen.forEach((v, i) => {
      expect(v).toBeCloseTo(all[i]!, 5);
    });
  });
});

test.each(optimizers)(
  "$id lets weight decay act on the model's weights, not on what a part trains beside them",
  async (unit) => {
    const start = floats([2], [3, -4]);
    const step = await openStep(
      linearModel(W, B),
      new Map([["head.weight", 1]]),
      {
        settings: {
          optimizer: { unit, params: unit.params.parse({ weightDecay: 0.5 }) },
          clipNorm: null,
          batchNorm: "frozen",
        },
        parts: [
          {
            // Nothing depends on either, so that decay alone could move them.
            loss({ b, parameter }, loss) {
              const beside = b.reduceSum(parameter("beside", start), [0]);
              return b.mul(b.add(loss, beside), 0);
            },
          },
        ],
      },
      onnxruntime,
    );
    await step.take({ x: floats([2, 3], X.flat()), y: Y }, 0.1);
    await step.release();
    const [beside] = step.parameters.values();
    expect(beside?.data).toEqual(start.data);
    const moved = [...(step.weights.get("head.weight")?.data ?? [])];
    W.flat().forEach((w, i) => {
      expect(moved[i]).toBeCloseTo(w * (1 - 0.1 * 0.5), 6);
    });
  },
);

test("every optimiser is checked against its formula", () => {
  expect(optimizers.map((o) => o.id).sort()).toEqual(
    Object.keys(byHand).sort(),
  );
});

test("clipping limits the joint length of the gradients", async () => {
  const limit = 1e-3;
  const seen = await steps(1, "sgd", { momentum: 0 }, limit, 1);
  const before = [...W.flat(), ...B];
  const moved = seen.map((v, i) => v - before[i]!);
  expect(Math.hypot(...moved)).toBeCloseTo(limit, 5);
});

test("the model keeps its own weights, and one multiplied by 0 stays", async () => {
  const model = linearModel(W, B);
  const unit = optimizers[0]!;
  const step = await openStep(
    model,
    new Map([
      ["head.weight", 1],
      ["head.bias", 0],
    ]),
    {
      settings: {
        optimizer: { unit, params: unit.params.parse({}) },
        clipNorm: null,
        batchNorm: "frozen",
      },
    },
    onnxruntime,
  );
  await step.take({ x: floats([2, 3], X.flat()), y: Y }, 0.1);
  await step.release();
  const own = model.graph.constants.get("head.weight")?.data as Float32Array;
  expect(own).toEqual(Float32Array.from(W.flat()));
  expect(step.weights.get("head.weight")?.data).not.toEqual(own);
  expect(step.weights.get("head.bias")?.data).toEqual(Float32Array.from(B));
});
