import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { trainingDefenses } from "#defenses";
import { type Model, modelOf } from "#model";
import { emptyGraph, floats, GraphBuilder } from "#onnx";
import type { Batch, TrainingDefense, TrainingPart } from "#tuning";
import { context, linearModel, momentOf } from "../reference.ts";
import { differencesPart } from "../tuning/differences.ts";
import { smooth } from "../tuning/smooth.ts";
import { stepOn } from "./step.ts";

const unitOf = (id: string) =>
  trainingDefenses.find((d) => d.id === id) as TrainingDefense;

const opened = (id: string, model: Model, params = {}): TrainingPart =>
  unitOf(id).open(unitOf(id).params.parse(params), context(model));

const W = [
  [0.5, -1.2, 0.7],
  [-0.3, 0.4, 0.2],
  [0.9, 0.1, -0.6],
];
const B = [0.05, -0.05, 0.1];
const linear = linearModel(W, B);
const batch: Batch = {
  x: floats([2, 3], [0.2, 0.7, 0.4, 0.6, 0.3, 0.5]),
  y: Int32Array.of(0, 2),
};

const random = new Random(1);
const images: Batch = {
  x: floats(
    [3, 1, 8, 8],
    Array.from({ length: 192 }, () => random.uniform()),
  ),
  y: Int32Array.of(0, 1, 2),
};

const softmax = (x: readonly number[]) => {
  const z = W.map((r, k) =>
    r.reduce((s, v, i) => s + v * (x[i] ?? 0), B[k] ?? 0),
  );
  const total = z.reduce((s, v) => s + Math.exp(v), 0);
  return z.map((v) => Math.exp(v) / total);
};
const rowsOf = (b: Batch, view?: string) => {
  const x = view === undefined ? b.x : b.views?.[view];
  return Array.from(b.y, (_, i) =>
    softmax([...(x?.data.slice(3 * i, 3 * i + 3) ?? [])]),
  );
};
const kl = (p: number[], q: number[]) =>
  p.reduce((s, v, k) => s + v * Math.log(v / (q[k] ?? 1)), 0);
const meanOf = (values: number[]) =>
  values.reduce((s, v) => s + v, 0) / values.length;
const at = (p: number[], k = 0) => p[k]!;

describe("TRADES", () => {
  const params = { eps: 0.1, steps: 3, beta: 2 };
  test("is the cross-entropy and the weighted divergence", async () => {
    const { loss, ready } = await stepOn(
      linear,
      [opened("trades", linear, params)],
      batch,
    );
    const [clean, adversarial] = [rowsOf(ready), rowsOf(ready, "adversarial")];
    const ce = meanOf(clean.map((p, i) => -Math.log(at(p, batch.y[i]))));
    const apart = meanOf(clean.map((p, i) => kl(p, adversarial[i] ?? [])));
    expect(apart).toBeGreaterThan(1e-4);
    expect(loss).toBeCloseTo(ce + 2 * apart, 5);
  });

  test("begins where the divergence is nothing", async () => {
    const { records } = await stepOn(
      linear,
      [opened("trades", linear, { eps: 1e-6, steps: 1 })],
      batch,
    );
    expect(records.divergence).toBeGreaterThanOrEqual(-1e-7);
    expect(records.divergence).toBeLessThan(1e-9);
  });
});

test("MART is the boosted cross-entropy and the divergence weighted by doubt", async () => {
  const { loss, ready } = await stepOn(
    linear,
    [opened("mart", linear, { eps: 0.1, steps: 3, beta: 5 })],
    batch,
  );
  const [clean, adversarial] = [rowsOf(ready), rowsOf(ready, "adversarial")];
  const byHand = adversarial.map((q, i) => {
    const y = batch.y[i]!;
    const p = clean[i] ?? [];
    const other = Math.max(...q.filter((_, k) => k !== y));
    const boosted = -Math.log(at(q, y)) - Math.log(1.0001 - other);
    return boosted + 5 * kl(p, q) * (1 - at(p, y));
  });
  expect(loss).toBeCloseTo(meanOf(byHand), 4);
});

describe("losses against differences", () => {
  test.each([
    ["trades", { eps: 0.1, steps: 2 }],
    ["mart", { eps: 0.1, steps: 2 }],
    ["input-gradient", { lambda: 5 }],
    ["input-gradient", { lambda: 5, method: "differences", h: 0.1 }],
    ["jacobian", { lambda: 1 }],
    ["grad-align", { eps: 0.3, lambda: 5 }],
  ])("%s %j", async (id, params) => {
    const model = smooth();
    await stepOn(
      model,
      [opened(id, model, params), differencesPart(new Random(3))],
      images,
    );
  });
});

test("a model that cannot be differentiated twice is refused with what to do instead", async () => {
  const b = new GraphBuilder(emptyGraph("layer-norm"));
  b.input({ name: "x", type: "float32", dims: ["batch", 3] });
  const scale = b.constant(floats([3], [1, 1, 1]), "norm.weight");
  const unit = b.op("LayerNormalization", ["x", scale]);
  const head = b.constant(floats([3, 2], [1, 2, -1, 0, 1, 1]), "head.weight");
  const model = modelOf(b.build([b.op("MatMul", [unit, head], {}, "y")]), "m");
  const given = { ...batch, y: Int32Array.of(0, 1) };
  await expect(
    stepOn(model, [opened("input-gradient", model)], given),
  ).rejects.toMatchObject({
    code: "GRADIENT_UNSUPPORTED",
    hint: expect.stringContaining("method: differences"),
  });
  const part = opened("input-gradient", model, { method: "differences" });
  const { loss } = await stepOn(model, [part], given);
  expect(Number.isFinite(loss)).toBe(true);
});

describe("weights that are moved", () => {
  /** Records the weights at each gradient of a step. */
  async function visits(id: string, params: object) {
    const seen: Map<string, Float32Array>[] = [];
    const slopes: ReadonlyMap<string, Float32Array>[] = [];
    const losses: number[] = [];
    const model = smooth();
    const spy: TrainingPart = {
      async gradient(b, at, weights) {
        seen.push(new Map([...weights].map(([n, w]) => [n, w.data.slice()])));
        const found = await at(b);
        slopes.push(
          new Map([...found.gradients].map(([n, g]) => [n, g.slice()])),
        );
        losses.push(found.loss);
        return found;
      },
    };
    const { weights } = await stepOn(
      model,
      [opened(id, model, params), spy],
      images,
    );
    return { seen, slopes, losses, weights, model };
  }
  const norm = (v: Iterable<number>) => Math.hypot(...v);

  test.each([
    ["awp", { gamma: 0.05 }],
    ["sam", { rho: 0.1 }],
  ])(
    "%s raises the loss, and moves every bit back before the step",
    async (id, params) => {
      const { seen, slopes, losses, weights, model } = await visits(id, params);
      expect(losses).toHaveLength(2);
      expect(losses[1]).toBeGreaterThan(losses[0]!);
      for (const [name, { data }] of weights) {
        const start = model.graph.constants.get(name)?.data as Float32Array;
        const slope = slopes[1]?.get(name) as Float32Array;
        expect(seen[0]?.get(name)).toEqual(start);
        // One step of SGD from exactly where it began, by the gradient taken elsewhere.
        expect(data).toEqual(
          Float32Array.from(start, (w, i) => w - 1e-3 * slope[i]!),
        );
      }
    },
  );

  test("AWP moves each matrix by gamma of its length, SAM all weights by rho", async () => {
    const apart = (
      { seen }: Awaited<ReturnType<typeof visits>>,
      name: string,
    ) =>
      [...(seen[1]?.get(name) ?? [])].map(
        (v, i) => v - (seen[0]?.get(name)?.[i] as number),
      );
    const one = await visits("awp", { gamma: 0.05 });
    for (const name of one.weights.keys())
      expect(norm(apart(one, name))).toBeCloseTo(
        0.05 * norm(one.seen[0]?.get(name) ?? []),
        4,
      );
    const two = await visits("sam", { rho: 0.1 });
    const all = [...two.weights.keys()].flatMap((name) => apart(two, name));
    expect(norm(all)).toBeCloseTo(0.1, 4);
  });
});

test("free adversarial training moves its perturbation by eps along the sign, and keeps it", async () => {
  const part = opened("free-at", linear, { eps: 0.1, replays: 2 });
  const first = await stepOn(linear, [part], batch);
  expect(first.ready.x.data).toEqual(batch.x.data);
  const second = await stepOn(linear, [part], batch);
  rowsOf(batch).forEach((p, n) => {
    for (let i = 0; i < 3; i++) {
      const slope = p.reduce(
        (s, v, k) => s + (v - Number(k === batch.y[n])) * (W[k]?.[i] ?? 0),
        0,
      );
      expect(second.ready.x.data[3 * n + i]).toBeCloseTo(
        batch.x.data[3 * n + i]! + 0.1 * Math.sign(slope),
        5,
      );
    }
  });
});

test("fast adversarial training ends where accuracy under PGD breaks down", async () => {
  const part = opened("fast-at", linear, { eps: 0.01 });
  const look = async (bias: number[], epoch: number) => {
    const { moment, compiled } = await momentOf(linearModel(W, bias), 2);
    const objection = await part.check?.(batch, { ...moment, epoch });
    await compiled.release();
    return objection;
  };
  const right = rowsOf(batch).map((p) => p.indexOf(Math.max(...p)));
  batch.y.set(right);
  expect(await look(B, 1)).toBeUndefined();
  expect(await look(B, 2)).toBeUndefined();
  const [never] = [0, 1, 2].filter((k) => !right.includes(k));
  const biased = B.map((_, k) => (k === never ? 9 : 0));
  expect(await look(biased, 3)).toMatch(
    /^catastrophic overfitting: accuracy under PGD fell by 1.00 in epoch 3$/,
  );
  batch.y.set([0, 2]);
});

describe("penalties on gradients", () => {
  test("of the loss: exactly, and nearly by differences", async () => {
    const expected = meanOf(
      rowsOf(batch).map((p, n) =>
        [0, 1, 2].reduce((s, i) => {
          const slope = p.reduce(
            (t, v, k) => t + (v - Number(k === batch.y[n])) * (W[k]?.[i] ?? 0),
            0,
          );
          return s + slope ** 2;
        }, 0),
      ),
    );
    for (const method of ["exact", "differences"]) {
      const { records } = await stepOn(
        linear,
        [opened("input-gradient", linear, { method, h: 0.01 })],
        batch,
      );
      const seen = records["squared input gradient"]!;
      expect(Math.abs(seen / expected - 1)).toBeLessThan(
        method === "exact" ? 1e-5 : 0.02,
      );
    }
  });

  test("of the logits: the mean over directions is the Frobenius norm", async () => {
    const many = {
      x: floats([200, 3], new Float32Array(600).fill(0.5)),
      y: new Int32Array(200),
    };
    const { records } = await stepOn(
      linear,
      [opened("jacobian", linear, { projections: 2 })],
      many,
    );
    const frobenius = W.flat().reduce((s, v) => s + v * v, 0);
    // 400 draws of a value whose deviation is below its mean.
    expect(Math.abs(records["squared Jacobian"]! / frobenius - 1)).toBeLessThan(
      0.15,
    );
  });

  test("gradients of a linear model of two classes are aligned", async () => {
    const two = linearModel(W.slice(0, 2), B.slice(0, 2));
    const { records } = await stepOn(
      two,
      [opened("grad-align", two, { eps: 0.2 })],
      { ...batch, y: Int32Array.of(0, 1) },
    );
    expect(Math.abs(records["1 - cosine of input gradients"]!)).toBeLessThan(
      1e-5,
    );
  });
});

test("label smoothing is the plain loss at 0 and forgets the labels at 1", async () => {
  const hot = floats([2, 3], [1, 0, 0, 0, 0, 1]);
  const smoothed = async (epsilon: number) =>
    (
      await stepOn(linear, [opened("label-smoothing", linear, { epsilon })], {
        ...batch,
        targets: hot,
      })
    ).loss;
  const plain = (await stepOn(linear, [], batch)).loss;
  expect(await smoothed(0)).toBeCloseTo(plain, 6);
  const uniform = meanOf(
    rowsOf(batch).map((p) => meanOf(p.map((v) => -Math.log(v)))),
  );
  expect(await smoothed(1)).toBeCloseTo(uniform, 5);
  expect(await smoothed(0.1)).toBeCloseTo(0.9 * plain + 0.1 * uniform, 5);
});

test("Gaussian augmentation adds noise of the stated deviation", async () => {
  const x = floats([500, 4], new Float32Array(2000));
  const { moment, compiled } = await momentOf(linear, 500);
  const out = await opened("gaussian-augmentation", linear, {
    sigma: 0.5,
  }).prepare?.({ x, y: new Int32Array(500) }, moment);
  await compiled.release();
  const squares = [...(out?.x.data ?? [])].map((v) => v * v);
  // Three standard errors of the variance of 2,000 draws.
  expect(Math.abs(meanOf(squares) / 0.25 - 1)).toBeLessThan(
    3 * Math.sqrt(2 / 2000),
  );
});

describe("DP-SGD", () => {
  test("no sample weighs more than clip, and a short gradient is left as it is", async () => {
    const one = { x: floats([1, 3], [0.2, 0.7, 0.4]), y: Int32Array.of(0) };
    const plain = await stepOn(linear, [], one);
    const length = Math.hypot(
      ...[...plain.gradients.values()].flatMap((g) => [...g]),
    );
    for (const clip of [0.5 * length, 2 * length]) {
      const { gradients } = await stepOn(
        linear,
        [opened("dp-sgd", linear, { clip, noise: 1e-9 })],
        one,
      );
      // The sum is divided by the batch size of the settings, 20.
      const expected = Math.min(1, clip / length) / 20;
      for (const [name, g] of gradients)
        g.forEach((v, i) => {
          expect(v).toBeCloseTo(
            expected * at([...(plain.gradients.get(name) ?? [])], i),
            6,
          );
        });
    }
  });

  test("adds noise of the stated deviation, and draws batches at random", async () => {
    const model = smooth();
    const part = opened("dp-sgd", model, { clip: 2, noise: 3 });
    const none = { x: floats([0, 1, 8, 8], []), y: new Int32Array(0) };
    const { gradients, loss } = await stepOn(model, [part], none);
    const all = [...gradients.values()].flatMap((g) => [...g]);
    const variance = (3 * 2) ** 2 / 20 ** 2;
    expect(Math.abs(meanOf(all.map((v) => v * v)) / variance - 1)).toBeLessThan(
      3.5 * Math.sqrt(2 / all.length),
    );
    expect(loss).toBe(0);
    const sizes = Array.from(
      { length: 300 },
      (_, i) => (part.draw?.(100, 20, new Random(i)) ?? []).length,
    );
    expect(Math.abs(meanOf(sizes) - 20)).toBeLessThan(3 * Math.sqrt(16 / 300));
    expect(new Set(sizes).size).toBeGreaterThan(5);
  });
});
