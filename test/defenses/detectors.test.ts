import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { type Detector, defend, detectors, fitDetector } from "#defenses";
import { onnxruntime } from "#engine";
import { compile, isFlagged, type Model } from "#model";
import { emptyGraph, floats, GraphBuilder } from "#onnx";
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
      row.reduce(
        (s, v, k) => s + v * (whitening.data[k * width + l] as number),
        0,
      ),
    ),
  );
  for (let c = 0; c < classes; c++)
    for (let l = 0; l < width; l++) {
      const own = white.filter((_, i) => y[i] === c);
      const mean = own.reduce((s, r) => s + (r[l] as number), 0) / own.length;
      expect(means.data[c * width + l]).toBeCloseTo(mean, 3);
    }
  for (let k = 0; k < width; k++)
    for (let l = 0; l < width; l++) {
      const covariance =
        white.reduce((s, r, i) => {
          const mean = (at: number) =>
            means.data[(y[i] as number) * width + at] as number;
          return (
            s + ((r[k] as number) - mean(k)) * ((r[l] as number) - mean(l))
          );
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
          const z = row.reduce(
            (s, v, k) => s + v * (weights[k] as number),
            bias,
          );
          return 1 / (1 + Math.exp(-z)) - (positive[i] ? 1 : 0);
        });
        expect(off.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
        for (const k of [0, 1]) {
          const column = rows.map((r) => r[k] as number);
          const mean = column.reduce((a, b) => a + b, 0) / column.length;
          const spread = Math.sqrt(
            column.reduce((s, v) => s + (v - mean) ** 2, 0) / column.length,
          );
          if (spread < 1e-6) continue;
          const slope = column.reduce(
            (s, v, i) => s + ((v - mean) / spread) * (off[i] as number),
            (weights[k] as number) * spread,
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
  // The corner is dark in every digit; a bright one decides for class 0.
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
    // The only layer is the input, by way of an operator that changes nothing.
    const b = new GraphBuilder(emptyGraph("points"));
    b.input({ name: "x", type: "float32", dims: ["batch", dimension] });
    const weight = floats([dimension, dimension], identity(dimension));
    const hidden = b.op("Relu", [
      b.matmul("x", b.constant(weight, "body.weight")),
    ]);
    const head = b.constant(weight, "head.weight");
    const logits = b.matmul(hidden, head);
    const model: Model = {
      graph: b.build([logits]),
      input: "x",
      logits,
      contract: { shape: [dimension], bounds: [0, 1] },
      classes: Array.from({ length: dimension }, (_, i) => `c${i}`),
      straightThrough: [],
    };
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

const identity = (n: number) =>
  Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
