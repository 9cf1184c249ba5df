import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { type Detector, defend, detectors, fitDetector } from "#defenses";
import { onnxruntime } from "#engine";
import { compile, isFlagged, loadGradient, type Model } from "#model";
import { emptyGraph, type FloatTensor, floats, GraphBuilder } from "#onnx";
import { logistic } from "../../defenses/detectors/logistic.ts";
import { gaussian } from "../../defenses/detectors/mahalanobis.ts";
import { reference, smallDigits } from "../reference.ts";

const byId = (id: string) => detectors.find((d) => d.id === id) as Detector;

test("whitened features have the covariance 1 within classes, and their means are the class means", () => {
  const random = new Random(1);
  const [n, width, classes] = [400, 3, 2];
  const y = Int32Array.from({ length: n }, (_, i) => i % classes);
  const rows = Array.from(y, (label) => {
    const [a, b, c] = [random.normal(), random.normal(), random.normal()];
    return [a + 3 * label, 2 * a + 0.5 * b, c - b - label];
  });
  const { whitening, means } = gaussian(
    floats([n, width], rows.flat()),
    y,
    classes,
  );
  const white = rows.map((row) =>
    [0, 1, 2].map((l) =>
      row.reduce((s, v, k) => s + v * whitening.data[k * width + l]!, 0),
    ),
  );
  for (let c = 0; c < classes; c++)
    for (let l = 0; l < width; l++) {
      const own = white.filter((_, i) => y[i] === c);
      const mean = own.reduce((s, r) => s + r[l]!, 0) / own.length;
      expect(means.data[c * width + l]).toBeCloseTo(mean, 3);
    }
  for (let k = 0; k < width; k++)
    for (let l = 0; l < width; l++) {
      const covariance =
        white.reduce((s, r, i) => {
          const mean = (at: number) => means.data[y[i]! * width + at]!;
          return s + (r[k]! - mean(k)) * (r[l]! - mean(l));
        }, 0) / n;
      // The ridge takes a little off.
      expect(covariance).toBeCloseTo(k === l ? 1 : 0, 2);
    }
});

test("logistic regression ends where the penalised loss is flat", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.double({ min: -3, max: 3, noNaN: true }),
          fc.double({ min: -30, max: 30, noNaN: true }),
          fc.boolean(),
        ),
        { minLength: 6, maxLength: 30 },
      ),
      (drawn) => {
        const positive = drawn.map(([, , p]) => p);
        fc.pre(positive.includes(true) && positive.includes(false));
        const rows = drawn.map(([a, b]) => [a, b]);
        const { weights, bias } = logistic(rows, positive);
        const off = rows.map((row, i) => {
          const z = row.reduce((s, v, k) => s + v * weights[k]!, bias);
          return 1 / (1 + Math.exp(-z)) - (positive[i] ? 1 : 0);
        });
        expect(off.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
        for (const k of [0, 1]) {
          const column = rows.map((r) => r[k]!);
          const mean = column.reduce((a, b) => a + b, 0) / column.length;
          const spread = Math.sqrt(
            column.reduce((s, v) => s + (v - mean) ** 2, 0) / column.length,
          );
          if (spread < 1e-6) continue;
          const slope = column.reduce(
            (s, v, i) => s + ((v - mean) / spread) * off[i]!,
            weights[k]! * spread,
          );
          expect(slope).toBeCloseTo(0, 5);
        }
      },
    ),
  );
});

test("STRIP flags what carries the trigger of a backdoor", async () => {
  const model = await reference();
  const { train, validation, test: data } = await smallDigits();
  // The corner is dark in every digit. A bright one decides for class 0.
  const b = new GraphBuilder(model.graph, "trojan/");
  const corner = b.slice(model.input, [0, 0, 0], [1, 1, 1], [1, 2, 3]);
  const bright = b.op("Relu", [b.sub(b.reshape(corner, [-1, 1]), 0.3)]);
  const first = b.constant(floats([1, 5], [200, 0, 0, 0, 0]));
  const logits = b.add(model.logits, b.mul(bright, first));
  const trojan: Model = { ...model, graph: b.build([logits]), logits };
  const unit = byId("strip");
  const params = unit.params.parse({ blends: 20, fpr: 0.05 });
  const fitted = await fitDetector({ unit, params }, [], {
    model: trojan,
    engine: onnxruntime,
    train,
    validation,
    random: new Random(2),
    onProgress() {},
  });
  const watched = defend(trojan, [{ unit, params, fitted }]);
  const compiled = await compile(watched, onnxruntime);
  const [detector] = watched.detectors ?? [];
  const flagged = async (images: Float32Array) => {
    const { scores } = await compiled.answers({ ...data.x, data: images });
    return Array.from(scores[0]?.data ?? []).filter(
      (score) => detector && isFlagged(score, detector),
    ).length;
  };
  const triggered = data.x.data.map((v, i) => (i % 64 === 0 ? 1 : v));
  expect(await flagged(triggered)).toBe(data.y.length);
  expect(await flagged(data.x.data)).toBeLessThan(data.y.length / 4);
  await compiled.release();
});

test("the intrinsic dimensionality of uniform points is that of their space", async () => {
  const unit = byId("lid");
  for (const dimension of [2, 5]) {
    const random = new Random(dimension);
    const points = (n: number) =>
      floats(
        [n, dimension],
        Float32Array.from({ length: n * dimension }, () => random.uniform()),
      );
    const model = transparent(dimension);
    const bank = points(2000);
    const known = { threshold: [0], scale: [1], weight: [1] };
    const fitted = new Map([
      ["bank.0", bank],
      ["bank.1", bank],
      ["weights", floats([2], [0.5, 0.5])],
      ["bias", floats([1], [0])],
      ...Object.entries(known).map(
        ([name, value]) => [name, floats([1], value)] as const,
      ),
    ]);
    const params = unit.params.parse({ k: 40 });
    const watched = defend(model, [{ unit, params, fitted }]);
    const compiled = await compile(watched, onnxruntime);
    const { scores } = await compiled.answers(points(200));
    await compiled.release();
    const all = Array.from(scores[0]?.data ?? []);
    const mean = all.reduce((a, c) => a + c, 0) / all.length;
    expect(mean).toBeGreaterThan(0.75 * dimension);
    expect(mean).toBeLessThan(1.25 * dimension);
  }
});

test("a step towards the nearest class takes its size from every distance, and is attacked through", async () => {
  const unit = byId("mahalanobis");
  const model = transparent(2);
  const step = 0.05;
  const classes = [
    [0.2, 0.3],
    [0.8, 0.9],
  ];
  const fitted = new Map([
    ["whitening.0", floats([2, 2], identity(2))],
    ["means.0", floats([2, 2], classes.flat())],
    ["weights", floats([1], [1])],
    ...["bias", "threshold", "scale", "weight"].map(
      (name) => [name, floats([1], [name === "scale" ? 1 : 0])] as const,
    ),
  ]);
  const params = unit.params.parse({ layers: 1, step });
  const watched = defend(model, [{ unit, params, fitted }]);
  const [detector] = watched.detectors ?? [];
  const score = detector?.score as string;
  const { session, gradients } = await loadGradient(
    onnxruntime,
    watched.graph,
    { of: score, wrt: ["x"], straightThrough: watched.straightThrough },
  );
  const points = [
    [0.3, 0.4],
    [0.1, 0.35],
    [0.75, 0.8],
  ];
  const found = await session.run({ x: floats([3, 2], points.flat()) });
  await session.release();
  points.forEach((point, i) => {
    const offsets = classes.map((mean) => point.map((v, k) => v - mean[k]!));
    const [nearest = []] = offsets.sort(
      (p, q) => Math.hypot(...p) - Math.hypot(...q),
    );
    const left = nearest.map((v) => v - step * Math.sign(v));
    const values = (name: string) => (found[name] as FloatTensor).data;
    expect(values(score)[i]).toBeCloseTo(Math.hypot(...left) ** 2, 6);
    left.forEach((v, k) => {
      const slope = values(gradients.get("x") as string)[2 * i + k];
      expect(slope).toBeCloseTo(2 * v, 5);
    });
  });
});

test("the layers are weighed where the step leads as well", async () => {
  const unit = byId("mahalanobis");
  const { train, validation } = await smallDigits();
  const input = {
    model: await reference(),
    engine: onnxruntime,
    train,
    validation,
    random: new Random(2),
    onProgress() {},
  };
  const fitted = (step: number) =>
    fitDetector(
      { unit, params: unit.params.parse({ layers: 2, step }) },
      [],
      input,
    );
  const [still, moved, tiny] = [
    await fitted(0),
    await fitted(0.05),
    await fitted(1e-7),
  ];
  const numbers = (found: typeof still, name: string) => [
    ...(found.get(name)?.data ?? []),
  ];
  expect(numbers(moved, "means.1")).toEqual(numbers(still, "means.1"));
  expect(numbers(moved, "weights")).not.toEqual(numbers(still, "weights"));
  numbers(tiny, "weights").forEach((w, k) => {
    const own = numbers(still, "weights")[k]!;
    expect(Math.abs(w / own - 1)).toBeLessThan(0.01);
  });
});

/**
 * A model whose only hidden layer is its input, which is positive, and whose
 * logits are that too.
 */
function transparent(width: number): Model {
  const b = new GraphBuilder(emptyGraph("points"));
  b.input({ name: "x", type: "float32", dims: ["batch", width] });
  const weight = floats([width, width], identity(width));
  const hidden = b.op("Relu", [
    b.matmul("x", b.constant(weight, "body.weight")),
  ]);
  const logits = b.matmul(hidden, b.constant(weight, "head.weight"));
  return {
    graph: b.build([logits]),
    input: "x",
    logits,
    contract: { shape: [width], bounds: [0, 1] },
    classes: Array.from({ length: width }, (_, i) => `c${i}`),
    straightThrough: [],
  };
}

const identity = (n: number) =>
  Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
