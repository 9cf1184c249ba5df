import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attack,
  attackOn,
  attacks,
  ballOf,
  type Crafting,
  type Norm,
  trialAttacks,
} from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { type CutPlace, compile, grantAccess, type Model } from "#model";
import {
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  rows as rowsOf,
} from "#onnx";
import { adadeltaFrom, adadeltaStep } from "../../attacks/transfer/adadelta.ts";
import { dissimilarityTo } from "../../attacks/transfer/dissimilarity.ts";
import { linearModel, untrained } from "../reference.ts";
import { runs } from "../runs.ts";
import { uniformPoints } from "./attacked.ts";

const SHAPE = [1, 6, 6] as const;
const N = 6;

/**
 * A model whose head reads the input itself: what is far in features is far in pixels.
 */
const identity = (shape: readonly number[] = [36]) =>
  linearModel(
    [0, 1].map((k) => Array.from({ length: 36 }, (_, i) => (i % 2 ? k : -k))),
    [0, 0],
    shape,
  );

const images = (n: number, seed: number): FloatTensor => ({
  ...uniformPoints(n, 36, [0, 1], seed),
  dims: [n, ...SHAPE],
});

/** Runs an attack through a base. */
async function through(
  id: string,
  base: Model,
  x: FloatTensor,
  others: FloatTensor,
  norm: Norm,
  eps: number,
  params: Record<string, unknown>,
) {
  const unit = attacks.find((a) => a.id === id) as Attack;
  const compiled = await compile(base, onnxruntime);
  const ball = ballOf(norm, eps, [0, 1]);
  const y = new Int32Array(x.dims[0] ?? 0);
  const { target, run } = attackOn(
    compiled,
    { x, y },
    { unit, params: unit.params.parse(params) },
    { ball },
    {
      random: new Random(3),
      base: compiled,
      others: { x: others, y: new Int32Array(others.dims[0] ?? 0).fill(1) },
    },
  );
  const examples = await run();
  await compiled.release();
  return { examples, queries: target.queries };
}

const row = (t: FloatTensor, i: number) => Array.from(rowsOf(t, i, i + 1).data);
const apart = (a: readonly number[], b: readonly number[]) =>
  Math.hypot(...a.map((v, i) => v - b[i]!));

describe("features at a cut", () => {
  const model = untrained();
  const x = floats([2, 1, 8, 8], uniformPoints(2, 64, [0, 1], 1).data);

  test.each([
    [undefined, "relu3"],
    ["hidden", "relu3"],
    [1, "relu3"],
    ["conv1", "pool1"],
    [0, "pool1"],
    [0.5, "flatten"],
    ["relu1", "relu1"],
  ] as [CutPlace, string][])(
    "%s is the value %s, whole",
    async (place, value) => {
      const { graph } = model;
      const session = await onnxruntime.load({
        ...graph,
        outputs: [{ name: value, type: "float32", dims: [] }],
      });
      const found = (await session.run({ [model.input]: x }))[
        value
      ] as FloatTensor;
      await session.release();
      const compiled = await compile(model, onnxruntime);
      const part = await compiled.featuresAt(place);
      const features = await part.logits(x);
      await compiled.release();
      expect(features.dims).toEqual([2, found.data.length / 2]);
      expect(Array.from(features.data)).toEqual(Array.from(found.data));
    },
  );

  test("distances are squared and whole, their slope is right, and both are counted", async () => {
    const compiled = await compile(model, onnxruntime);
    const limit = ballOf("linf", 1, [0, 1]);
    const target = grantAccess(compiled, {
      access: "base",
      x,
      limit,
      base: compiled,
    });
    const features = await target.base.featuresAt("conv1");
    const values = await features.values(x, [0, 1]);
    const wanted = { ...values, data: values.data.map((_, i) => (i % 5) / 5) };
    const at = (points: FloatTensor) =>
      features.distance(points, [0, 1], wanted);
    const { squared, gradient } = await at(x);
    const by = [0, 1].map((i) => apart(row(values, i), row(wanted, i)) ** 2);
    for (const [i, d] of by.entries()) expect(squared[i]).toBeCloseTo(d, 3);
    // Along its own direction the distance rises as fast as the gradient is long.
    const step = 1e-3;
    const length = Math.hypot(...row(gradient, 0));
    const moved = (sign: number) => ({
      ...x,
      data: x.data.map(
        (v, i) => v + (sign * step * gradient.data[i]!) / length,
      ),
    });
    const [up, down] = [await at(moved(1)), await at(moved(-1))];
    const slope = (up.squared[0]! - down.squared[0]!) / (2 * step);
    expect(slope / length).toBeCloseTo(1, 1);
    expect(target.queries).toEqual({ forward: 0, gradient: 0, base: 8 });
    await expect(
      grantAccess(compiled, { access: "score", x, limit }).featuresAt(0),
    ).rejects.toThrow(/asked for featuresAt/);
    await expect(features && target.base.featuresAt("conv9")).rejects.toThrow(
      /cannot be cut behind "conv9"/,
    );
    await compiled.release();
  });
});

describe("on a base whose features are the input", () => {
  const x = {
    ...images(N, 2),
    data: images(N, 2).data.map((v) => 0.3 + 0.4 * v),
  };
  const others = {
    ...images(3, 7),
    data: images(3, 7).data.map((v) => 0.3 + 0.4 * v),
  };
  const flat = (t: FloatTensor) => ({ ...t, dims: [t.dims[0] ?? 0, 36] });

  test.each(["linf", "l2"] as const)(
    "mimicry ends at the nearest point of the %s ball to the nearest target",
    async (norm) => {
      const eps = norm === "linf" ? 0.08 : 0.4;
      const { examples } = await through(
        "mimic",
        identity(),
        flat(x),
        flat(others),
        norm,
        eps,
        { steps: 200, targets: 3 },
      );
      for (let i = 0; i < N; i++) {
        const from = row(x, i);
        const ends = [0, 1, 2].map((t) => {
          const to = row(others, t);
          const d = apart(from, to);
          const best = from.map((v, k) =>
            norm === "linf"
              ? v + Math.max(-eps, Math.min(eps, to[k]! - v))
              : v + Math.min(1, eps / d) * (to[k]! - v),
          );
          return { best, left: apart(best, to) };
        });
        const nearest = ends.reduce((a, b) => (b.left < a.left ? b : a));
        expect(apart(row(examples, i), nearest.best)).toBeLessThan(0.02 * eps);
      }
    },
  );

  test("features are pushed to the far side of the ball", async () => {
    const eps = 0.1;
    const { examples } = await through(
      "feature-pgd",
      identity(),
      flat(x),
      flat(others),
      "linf",
      eps,
      { steps: 20, relStepSize: 0.2 },
    );
    // Every number as far as it may go, whichever way it began.
    examples.data.forEach((v, i) => {
      expect(Math.abs(v - x.data[i]!)).toBeCloseTo(eps, 5);
    });
  });

  test.each(["base", "fuse", "ugs"])(
    "one perturbation (%s) lifts all features as far as it may",
    async (variant) => {
      const eps = 0.1;
      const made = (norm: "linf" | "l2", size: number) =>
        through("pap", identity(), flat(x), flat(others), norm, size, {
          variant,
          steps: 60,
          relStepSize: 0.1,
        });
      // Numbers are above 0: their squares are lifted most by adding eps to each.
      const { examples } = await made("linf", eps);
      examples.data.forEach((v, i) => {
        expect(v - x.data[i]!).toBeCloseTo(eps, 5);
      });
      // The slope is along the mean image, so that is where a length leads.
      const { examples: longer } = await made("l2", eps);
      const away = row(longer, 0).map((v, i) => v - x.data[i]!);
      expect(Math.hypot(...away)).toBeCloseTo(eps, 4);
      const mean = row(others, 0).map((_, k) =>
        variant === "ugs"
          ? 0.5
          : [0, 1, 2].reduce((s, t) => s + row(others, t)[k]!, 0) / 3,
      );
      const along = away.reduce((s, v, k) => s + v * mean[k]!, 0);
      expect(along / (eps * Math.hypot(...mean))).toBeGreaterThan(0.99);
    },
  );

  test("without a norm, mimicry comes nearer as far as its DSSIM lets it", async () => {
    const [small, large] = [0.003, 0.015];
    const left = await Promise.all(
      [small, large].map(async (dssim) => {
        const { examples } = await through(
          "mimic",
          identity(SHAPE),
          x,
          others,
          "none",
          0,
          { steps: 300, targets: 1, dssim },
        );
        return Array.from({ length: N }, (_, i) => {
          const { value } = dissimilarityTo(
            row(x, i),
            SHAPE,
            1,
          )(row(examples, i));
          expect(value).toBeLessThan(dssim);
          // Most of the budget is used.
          expect(value).toBeGreaterThan(0.5 * dssim);
          return Math.min(
            ...[0, 1, 2].map((t) => apart(row(examples, i), row(others, t))),
          );
        });
      }),
    );
    left[0]?.forEach((d, i) => {
      expect(left[1]?.[i]).toBeLessThan(d);
    });
  });
});

describe("inputs from nothing but a base", () => {
  const random = new Random(9);
  const weights = Array.from({ length: 4 }, () =>
    Array.from(
      { length: 9 },
      () => (random.uniform() < 0.5 ? -1 : 1) * (0.5 + random.uniform()),
    ),
  );
  /** Neurons W x - 1 behind ReLU, and a head. */
  const base = (): Model => {
    const plain = linearModel(weights, [-1, -1, -1, -1]);
    const b = new GraphBuilder(plain.graph);
    const features = b.op("Relu", [plain.logits]);
    const head = b.constant(
      floats([2, 4], [1, -1, 1, -1, -1, 1, -1, 1]),
      "out.weight",
    );
    const logits = b.op("Gemm", [features, head], { transB: int(1) }, "out");
    return { ...plain, graph: b.build([logits]), logits, classes: ["a", "b"] };
  };
  const craft = async (id: string, params: Record<string, unknown>) => {
    const unit = trialAttacks.find((a) => a.id === id) as Crafting;
    const compiled = await compile(base(), onnxruntime);
    const made = await unit.craft({
      base: compiled,
      params: unit.params.parse(params) as never,
      random: new Random(4),
      onProgress: () => {},
    });
    const features = await (await compiled.featuresAt(undefined)).logits(made);
    await compiled.release();
    for (const v of made.data) expect(v >= 0 && v <= 1).toBe(true);
    return { made, features };
  };

  test("each neuron is led to the corner where it is largest, dead or not", async () => {
    const { made } = await craft("head-agnostic", {});
    expect(made.dims).toEqual([4, 9]);
    weights.forEach((neuron, i) => {
      expect(row(made, i)).toEqual(neuron.map((w) => (w > 0 ? 1 : 0)));
    });
  });

  test("a fingerprint has no features, and the same seed gives the same", async () => {
    const { made, features } = await craft("fingerprint", {
      learningRate: 20,
      steps: 200,
      inputs: 5,
    });
    const again = await craft("fingerprint", {
      learningRate: 20,
      steps: 200,
      inputs: 5,
    });
    expect(again.made).toEqual(made);
    for (const v of features.data) expect(v).toBeLessThan(1e-3);
    const { features: first } = await craft("fingerprint", {
      steps: 1,
      inputs: 5,
    });
    expect(Math.max(...first.data)).toBeGreaterThan(0.1);
  });
});

describe("dissimilarity", () => {
  const shape = [2, 7, 13] as const;
  const size = 2 * 7 * 13;
  const draw = (seed: number) => uniformPoints(1, size, [0, 1], seed).data;

  test("is nothing for the image itself, the same both ways, and its slope is that of differences", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: size - 1 }), (seed, place) => {
        const [a, b] = [
          draw(seed),
          draw(seed + 1).map((v, i) => 0.3 * v + 0.7 * draw(seed)[i]!),
        ];
        const toA = dissimilarityTo(a, shape, 1);
        expect(toA(a).value).toBeCloseTo(0, 9);
        const { value, gradient } = toA(b);
        expect(value).toBeGreaterThan(0);
        expect(dissimilarityTo(b, shape, 1)(a).value).toBeCloseTo(value, 9);
        const at = (step: number) => {
          const moved = Float64Array.from(b);
          moved[place] = moved[place]! + step;
          return toA(moved).value;
        };
        const h = 1e-5;
        expect(gradient[place]).toBeCloseTo((at(h) - at(-h)) / (2 * h), 6);
      }),
      runs(),
    );
  });

  test("of a constant shift is that of its luminance at the coarsest scale", () => {
    const [dark, light] = [0.4, 0.6].map((v) =>
      new Float64Array(64).fill(v),
    ) as [Float64Array, Float64Array];
    const c1 = 0.01 ** 2;
    const luminance = (2 * 0.4 * 0.6 + c1) / (0.4 ** 2 + 0.6 ** 2 + c1);
    expect(dissimilarityTo(dark, [1, 8, 8], 1)(light).value).toBeCloseTo(
      (1 - luminance ** 0.1333) / 2,
      9,
    );
  });
});

test("Adadelta steps as far as its past steps were, in units of its past gradients", () => {
  const search = adadeltaFrom(Float64Array.of(1));
  adadeltaStep(search, Float64Array.of(4), 1);
  const first = (Math.sqrt(1e-8) / Math.sqrt(0.05 * 16 + 1e-8)) * 4;
  expect(search.value[0]).toBeCloseTo(1 - first, 12);
  adadeltaStep(search, Float64Array.of(-2), 0.5);
  const mean = 0.95 * 0.8 + 0.05 * 4;
  const second =
    (Math.sqrt(0.05 * first ** 2 + 1e-8) / Math.sqrt(mean + 1e-8)) * -2;
  expect(search.value[0]).toBeCloseTo(1 - first - 0.5 * second, 12);
});
