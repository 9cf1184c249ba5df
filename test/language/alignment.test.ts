import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { emptyGraph, type FloatTensor, floats, GraphBuilder } from "#onnx";
import {
  type Batch,
  type BatchGradient,
  lengthOf,
  type TrainingPart,
} from "#tuning";
import { discrepancy } from "../../defenses/training/discrepancy.ts";
import { base, parts } from "./aligned.ts";
import { attackers, expectClose, opened, watched } from "./watched.ts";

const batch = attackers(parts.validation);

/** Each pass of one step of a part: its batch, weights and gradient. */
async function passes(part: TrainingPart) {
  const seen: {
    weights: Map<string, Float32Array>;
    batch: Batch;
    found: BatchGradient;
  }[] = [];
  const both: TrainingPart = {
    ...part,
    gradient: (one, at, weights) => {
      const inner = async (other: typeof one) => {
        const copies = [...weights].map(
          ([n, t]) => [n, t.data.slice()] as const,
        );
        const found = await at(other);
        const gradients = [...found.gradients].map(
          ([n, g]) => [n, g.slice()] as const,
        );
        seen.push({
          weights: new Map(copies),
          batch: other as Batch,
          found: { ...found, gradients: new Map(gradients) },
        });
        return found;
      };
      return part.gradient ? part.gradient(one, inner, weights) : inner(one);
    },
  };
  const { found } = await watched(both, 1, batch);
  return { seen, found: found[0]! };
}

const distance = (
  a: ReadonlyMap<string, Float32Array>,
  b: ReadonlyMap<string, Float32Array>,
) =>
  Math.hypot(
    ...[...a].map(([n, v]) => lengthOf(v.map((x, i) => x - b.get(n)![i]!))),
  );

test("Booster adds what a harmful step of length alpha changes of the harmful gradient", async () => {
  const { seen, found } = await passes(
    opened("booster", { lambda: 5, alpha: 0.1 }),
  );
  const [plain, here, there] = seen as [
    (typeof seen)[0],
    (typeof seen)[0],
    (typeof seen)[0],
  ];
  expect(seen).toHaveLength(3);
  expect(here.batch.x.data).toEqual(there.batch.x.data);
  expect(distance(plain!.weights, here!.weights)).toBe(0);
  expect(distance(here!.weights, there!.weights)).toBeCloseTo(0.1, 4);
  // The step goes down.
  expect(there!.found.loss).toBeLessThan(here!.found.loss);
  for (const [name, gradient] of found.gradients) {
    const [f, h, k] = seen.map((one) => one.found.gradients.get(name)!) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    for (let i = 0; i < gradient.length; i += 31)
      expect(gradient[i]).toBeCloseTo(f[i]! + 5 * (h[i]! - k[i]!), 5);
  }
});

test("Vaccine without a perturbation is plain alignment, and its loss rises as a gradient says", async () => {
  const plain = await watched({}, 1, batch);
  const at = async (rho: number) => {
    const { found } = await watched(opened("vaccine", { rho }), 1, batch);
    return found[0]!;
  };
  const none = await at(1e-9);
  expectClose(none, plain.found[0]!, 1, 1e-3);
  const record = "loss without perturbation";
  expect(none.records[record]).toBeCloseTo(plain.found[0]!.loss, 5);
  const [small, twice] = [await at(0.002), await at(0.004)];
  const rise = (one: BatchGradient) => one.loss - one.records[record]!;
  expect(rise(small)).toBeGreaterThan(0);
  expect(rise(twice) / rise(small)).toBeGreaterThan(1.8);
  expect(rise(twice) / rise(small)).toBeLessThan(2.4);
});

/** The discrepancy as Gretton et al. write it, by loops. */
function byLoops(x: number[][], y: number[][]): number {
  const all = [...x, ...y];
  const far = (a: number[], b: number[]) =>
    a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0);
  const n = all.length;
  const total = all.flatMap((a) => all.map((b) => far(a, b)));
  const width = total.reduce((sum, v) => sum + v, 0) / (n * n - n);
  const k = (a: number[], b: number[]) =>
    [0.25, 0.5, 1, 2, 4].reduce(
      (sum, f) => sum + Math.exp(-far(a, b) / (f * width)),
      0,
    );
  const mean = (a: number[][], b: number[][]) =>
    a.flatMap((u) => b.map((v) => k(u, v))).reduce((s, v) => s + v, 0) /
    (a.length * b.length);
  return mean(x, x) + mean(y, y) - 2 * mean(x, y);
}

test("the discrepancy from noise is that of five Gaussian kernels", async () => {
  const b = new GraphBuilder(emptyGraph("mmd"));
  const dims = ["batch", 3];
  const x = b.input({ name: "x", type: "float32", dims });
  const y = b.input({ name: "y", type: "float32", dims });
  const withGradientOf = (value: string) => value;
  const found = discrepancy({ b, withGradientOf }, x, y);
  const session = await onnxruntime.load(b.build([found]));
  const random = new Random(1);
  const rows = (mean: number) =>
    Array.from({ length: 4 }, () =>
      Array.from({ length: 3 }, () => mean + random.normal()),
    );
  const as = (all: number[][]) => floats([4, 3], Float32Array.from(all.flat()));
  for (const [p, q] of [
    [rows(0), rows(0)],
    [rows(0), rows(2)],
  ] as const) {
    const out = await session.run({ x: as(p), y: as(q) });
    expect(out[found]!.data[0]).toBeCloseTo(byLoops(p, q), 4);
  }
  const same = rows(1);
  const out = await session.run({ x: as(same), y: as(same) });
  expect(out[found]!.data[0]).toBeCloseTo(0, 5);
  await session.release();
});

test("RepNoise raises the loss of forbidden answers, and is plain alignment without its terms", async () => {
  const plain = await watched({}, 1, batch);
  const without = await watched(
    opened("rep-noise", { alpha: 0, beta: 0 }),
    1,
    batch,
  );
  expectClose(without.found[0]!, plain.found[0]!);
  const { found } = await watched(opened("rep-noise"), 4, batch);
  const at = (i: number, name: string) => found[i]!.records[name]!;
  const [loss, apart] = ["loss of forbidden answers", "discrepancy from noise"];
  for (const i of [0, 1, 2, 3]) {
    expect(at(i, apart!)).toBeGreaterThan(0);
    expect(at(i, loss!)).toBeGreaterThan(0);
  }
  expect(at(3, loss!)).toBeGreaterThan(at(0, loss!));
});

test("TAR puts the weights back bit by bit, and is its retain loss without resistance", async () => {
  const quick = { steps: 4, every: 2, rates: [1e-3] };
  const plain = await watched({}, 1, batch);
  const none = await passes(opened("tar", { ...quick, lambda: 0 }));
  // Nothing has drifted yet.
  expectClose(none.found, plain.found[0]!);
  const { seen, found } = await passes(opened("tar", { ...quick, lambda: 4 }));
  // One of the batch, four of the adversary, two looks.
  expect(seen).toHaveLength(7);
  const start = seen[0]!.weights;
  for (const [name, { data }] of base.graph.constants)
    if (start.has(name)) expect(start.get(name)).toEqual(data);
  expect(distance(start, seen[3]!.weights)).toBeGreaterThan(0);
  const looks = [seen[3]!, seen[6]!];
  for (const [name, gradient] of found.gradients) {
    const own = seen[0]!.found.gradients.get(name)!;
    const [p, q] = looks.map((one) => one.found.gradients.get(name)!) as [
      Float32Array,
      Float32Array,
    ];
    for (let i = 0; i < gradient.length; i += 31)
      expect(gradient[i]).toBeCloseTo(own[i]! + 2 * (p[i]! + q[i]!), 4);
  }
});

test("what TAR looks at is the negative entropy of the next token", async () => {
  const flat = new Map(base.graph.constants);
  for (const name of ["head.weight", "head.bias"]) {
    const weight = flat.get(name) as FloatTensor;
    flat.set(name, { ...weight, data: new Float32Array(weight.data.length) });
  }
  const move = (weights: ReadonlyMap<string, FloatTensor>) => {
    for (const name of ["head.weight", "head.bias"])
      weights.get(name)!.data.fill(0);
  };
  const part = opened("tar", { steps: 1, every: 1, rates: [1e-12], lambda: 1 });
  const { found } = await watched(part, 1, batch, move);
  expect(found[0]!.records["certainty after an attack"]).toBeCloseTo(
    -Math.log(base.classes.length),
    3,
  );
});
