import { describe, expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { labelTensor } from "#model";
import { type FloatTensor, filled, floats } from "#onnx";
import { optimizers } from "#tuning";
import { stepGraph } from "../../src/tuning/step-graph.ts";
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
const Y = [0, 1];

/** Mean cross-entropy gradients of the linear model, by hand. */
function gradients(w: number[][], b: number[]) {
  const dw = w.map((r) => r.map(() => 0));
  const db = b.map(() => 0);
  X.forEach((x, n) => {
    const z = w.map((r, k) =>
      r.reduce((s, v, i) => s + v * (x[i] as number), b[k] as number),
    );
    const sum = z.reduce((s, v) => s + Math.exp(v), 0);
    z.forEach((v, k) => {
      const d = (Math.exp(v) / sum - Number(k === Y[n])) / X.length;
      (db[k] as number) += d;
      x.forEach((xi, i) => {
        ((dw[k] as number[])[i] as number) += d * xi;
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

async function threeSteps(
  id: string,
  clipNorm: number | null,
  rates: [string, number][],
) {
  const unit = optimizers.find(
    (o) => o.id === id,
  ) as (typeof optimizers)[number];
  const params = unit.params.parse({ weightDecay: 0.01 });
  const step = stepGraph(
    linearModel(W, B),
    new Map(rates),
    { unit, params },
    { clipNorm, batchNorm: "frozen" },
  );
  const session = await onnxruntime.load(step.graph);
  const weights = new Map<string, FloatTensor>(
    [
      ["head.weight", floats([2, 3], W.flat())],
      ["head.bias", floats([2], B)],
    ].filter(([n]) => rates.some(([r]) => r === n)) as [string, FloatTensor][],
  );
  const state = new Map(
    [...step.weights].flatMap(([n, w]) =>
      w.state.map((s) => [s, filled("float32", weights.get(n)?.dims ?? [], 0)]),
    ),
  );
  for (let t = 1; t <= 3; t++) {
    const out = await session.run({
      input: floats([2, 3], X.flat()),
      [step.labels]: labelTensor(Y),
      [step.rate]: filled("float32", [], rate),
      ...Object.fromEntries(
        unit
          .scalars(t, params)
          .map((v, i) => [step.scalars[i] as string, filled("float32", [], v)]),
      ),
      ...Object.fromEntries(weights),
      ...Object.fromEntries(state),
    });
    for (const [name, w] of step.weights) {
      weights.set(name, out[w.next] as FloatTensor);
      w.state.forEach((s, i) => {
        state.set(s, out[w.nextState[i] as string] as FloatTensor);
      });
    }
  }
  await session.release();
  return weights;
}

describe.each(Object.keys(byHand))("%s as a graph", (id) => {
  test("takes the steps that the formula takes", async () => {
    const weights = await threeSteps(id, null, [
      ["head.weight", 1],
      ["head.bias", 1],
    ]);
    let all = [...W.flat(), ...B];
    const states = all.map((): number[] => []);
    for (let t = 1; t <= 3; t++) {
      const g = gradients([all.slice(0, 3), all.slice(3, 6)], all.slice(6));
      all = all.map((w, i) =>
        (byHand[id] as Update)(w, g[i] as number, states[i] as number[], t),
      );
    }
    const seen = [
      ...(weights.get("head.weight")?.data ?? []),
      ...(weights.get("head.bias")?.data ?? []),
    ];
    seen.forEach((v, i) => {
      expect(v).toBeCloseTo(all[i] as number, 5);
    });
  });
});

test("every optimiser is checked against its formula", () => {
  expect(optimizers.map((o) => o.id).sort()).toEqual(
    Object.keys(byHand).sort(),
  );
});

test("clipping limits the joint length of the gradients", async () => {
  const limit = 1e-3;
  const unit = optimizers.find(
    (o) => o.id === "sgd",
  ) as (typeof optimizers)[number];
  const step = stepGraph(
    linearModel(W, B),
    new Map([
      ["head.weight", 1],
      ["head.bias", 1],
    ]),
    { unit, params: unit.params.parse({ momentum: 0 }) },
    { clipNorm: limit, batchNorm: "frozen" },
  );
  const session = await onnxruntime.load(step.graph);
  const weight = floats([2, 3], W.flat());
  const bias = floats([2], B);
  const states = Object.fromEntries(
    [...step.weights].flatMap(([n, w]) =>
      w.state.map((s) => [
        s,
        filled("float32", n === "head.bias" ? [2] : [2, 3], 0),
      ]),
    ),
  );
  const out = await session.run({
    input: floats([2, 3], X.flat()),
    [step.labels]: labelTensor(Y),
    [step.rate]: filled("float32", [], 1),
    "head.weight": weight,
    "head.bias": bias,
    ...states,
  });
  const moved = [...step.weights].flatMap(([name, w]) => {
    const before = name === "head.bias" ? bias : weight;
    return Array.from(
      (out[w.next] as FloatTensor).data,
      (v, i) => v - (before.data[i] as number),
    );
  });
  expect(Math.hypot(...moved)).toBeCloseTo(limit, 5);
});
