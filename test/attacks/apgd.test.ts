import { describe, expect, test } from "vitest";
import { type Attack, attacks, ballOf } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { type CompiledModel, compile, grantAccess } from "#model";
import { type FloatTensor, floats } from "#onnx";
import {
  checkpoints,
  momentumPaces,
} from "../../attacks/evasion/apgd-momentum.ts";
import type { Climber } from "../../attacks/evasion/apgd-pace.ts";
import {
  largestSigns,
  sparsePaces,
} from "../../attacks/evasion/apgd-sparse.ts";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { type Linear, labelsOf, linearOf, nearestOf } from "./nearest.ts";

const binary: Linear = {
  weights: [
    [0.9, -0.4, 0.2, -0.7, 0.5],
    [0, 0, 0, 0, 0],
  ],
  bias: [-0.25, 0],
};

const climber = (
  point: number[],
  gradient: number[],
  rest: Partial<Climber> = {},
): Climber => ({
  point: Float32Array.from(point),
  before: Float32Array.from(point),
  gradient: Float32Array.from(gradient),
  loss: 0,
  bestLoss: 0,
  best: Float32Array.from(point),
  bestGradient: Float32Array.from(gradient),
  rises: 0,
  ...rest,
});

describe("steps with momentum", () => {
  const ball = ballOf("linf", 1, [-100, 100]);
  const begin = () =>
    momentumPaces(0.75).begin(ball, floats([1, 1], [0]), Float32Array.of(-1));

  test("checkpoints of 100 steps are those of the paper", () => {
    expect(checkpoints(100)).toEqual([22, 41, 57, 70, 80, 87, 93, 99]);
    expect(checkpoints(1)).toEqual([]);
    expect(checkpoints(10)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("start at 2 eps without momentum, then a quarter repeats the last move", () => {
    const pace = begin();
    expect(Array.from(pace.next(climber([-1], [1])))).toEqual([1]);
    const before = Float32Array.of(-0.5);
    const next = pace.next(climber([-1], [1], { before }));
    expect(Array.from(next)).toEqual([-1 + 0.75 * 2 - 0.25 * 0.5]);
  });

  test("are halved where too few raised the loss, or nothing changed", () => {
    const pace = begin();
    pace.next(climber([-1], [1]));
    expect(pace.review(climber([0], [1], { rises: 20 }), 22)).toBe(false);
    // Neither the size nor the best loss changed since.
    expect(pace.review(climber([0], [1], { rises: 19 }), 19)).toBe(true);
    expect(Array.from(pace.next(climber([-1], [1])))).toEqual([-0.25]);
    // Halved last time: only the count of rises decides.
    expect(pace.review(climber([0], [1], { rises: 16 }), 16)).toBe(false);
    const better = { bestLoss: 1 };
    expect(pace.review(climber([0], [1], { rises: 9, ...better }), 13)).toBe(
      true,
    );
    expect(Array.from(pace.next(climber([-1], [1])))).toEqual([-0.625]);
  });
});

describe("sparse steps", () => {
  test("go along the largest numbers in equal parts, and as far as the first that can move", () => {
    const steps = (g: number[], count: number, point = g.map(() => 0.5)) =>
      largestSigns(
        Float32Array.from(g),
        count,
        Float32Array.from(point),
        [0, 1],
      );
    expect(steps([0.1, -3, 2, 0], 2)).toEqual([
      [1, -0.5],
      [2, 0.5],
    ]);
    expect(steps([0, 0, 5, 0], 3)).toEqual([[2, 1]]);
    expect(steps([0, 0], 1)).toEqual([]);
    expect(steps([0.1, -3, 2, 1], 2, [0.5, 0, 0.5, 0.5])).toEqual([
      [1, -0.5],
      [2, 0.5],
    ]);
    expect(steps([0.1, -3, 2, 1], 2, [0.5, 0, 1, 0])).toEqual([
      [1, -0.5],
      [2, 0.5],
      [3, 0.5],
    ]);
  });

  test("move two thirds of what the best point changes, back at eps where it got sparser", () => {
    const width = 30;
    const ball = ballOf("l1", 3, [-100, 100]);
    const centre = floats([1, width], new Float32Array(width));
    const zero = new Array<number>(width).fill(0);
    const slope = zero.map((_, i) => width - i);
    const changing = (count: number) =>
      zero.map((_, i) => (i < count ? 0.01 : 0));
    const moved = (x: Float32Array) => Array.from(x).filter((v) => v !== 0);
    const pace = sparsePaces(false).begin(ball, centre, new Float32Array(30));
    // A fifth of the numbers, eps in all.
    const first = moved(pace.next(climber(zero, slope)));
    expect(first.length).toBe(6);
    expect(first[0]).toBeCloseTo(0.5, 4);
    const best = (count: number) =>
      climber(zero, slope, { best: Float32Array.from(changing(count)) });
    expect(pace.review(best(15), 4)).toBe(true);
    const second = moved(pace.next(climber(zero, slope)));
    expect(second.length).toBe(10);
    expect(second[0]).toBeCloseTo(0.3, 4);
    expect(pace.review(best(15), 4)).toBe(false);
    expect(moved(pace.next(climber(zero, slope)))[0]).toBeCloseTo(0.2, 4);
    for (let i = 0; i < 9; i++) pace.review(best(15), 4);
    expect(moved(pace.next(climber(zero, slope)))[0]).toBeCloseTo(0.03, 4);
  });
});

describe.each(["apgd-ce", "apgd-dlr", "apgd-t"])("%s", (id) => {
  test.each(["linf", "l2", "l1"] as const)(
    "on a linear model in %s it breaks exactly what eps reaches",
    async (norm) => {
      const x = uniformPoints(100, 5, [0.3, 0.7], 3);
      const y = labelsOf(binary, x);
      const needed = nearestOf(norm, binary, x, y);
      const eps = [...needed].sort((a, b) => a - b)[50]!;
      const model = linearModel(binary.weights, binary.bias);
      const { distances, shares } = await attacked(
        id,
        model,
        { x, y },
        { norm, eps: eps * 1.0005, bounds: [-5, 5] },
      );
      needed.forEach((d, i) => {
        if (Math.abs(d - eps) > 0.001 * eps)
          expect(Number.isFinite(distances[i]!)).toBe(d < eps);
      });
      expect(shares).toEqual([...shares].sort((a, b) => a - b));
    },
  );

  test("a sample that stands costs a gradient a step and a look at the last point", async () => {
    const x = uniformPoints(4, 5, [0.3, 0.7], 3);
    const y = labelsOf(binary, x);
    const model = linearModel(binary.weights, binary.bias);
    for (const norm of ["linf", "l1"] as const) {
      const { target } = await attacked(
        id,
        model,
        { x, y },
        { norm, eps: 1e-6, params: { steps: 10, largerEps: false } },
      );
      expect(target.queries).toEqual({ gradient: 40, forward: 4, base: 0 });
    }
    for (const queries of [0, 1, 5]) {
      const { target } = await attacked(
        id,
        model,
        { x, y },
        { norm: "linf", eps: 1e-6, queries },
      );
      expect(target.queries.gradient + target.queries.forward).toBe(
        4 * queries,
      );
    }
  });
});

const several = linearOf(5);

describe("apgd-t", () => {
  test("with few classes it takes a loss that is defined, and says so", async () => {
    const three: Linear = {
      weights: several.weights.slice(0, 3),
      bias: several.bias.slice(0, 3),
    };
    for (const [id, linear, loss] of [
      ["apgd-t", three, "difference"],
      ["apgd-dlr", binary, "margin"],
    ] as const) {
      const x = uniformPoints(20, linear.weights[0]?.length ?? 0, [0, 1], 4);
      const y = labelsOf(linear, x);
      const { notes, distances } = await attacked(
        id,
        linearModel(linear.weights, linear.bias),
        { x, y },
        { norm: "linf", eps: 0.1 },
      );
      expect(notes).toEqual([expect.stringContaining(loss)]);
      const needed = nearestOf("linf", linear, x, y, [0, 1]);
      needed.forEach((d, i) => {
        expect(distances[i] !== Infinity).toBe(d < 0.1);
      });
    }
    const x = uniformPoints(2, 6, [0, 1], 4);
    const y = labelsOf(three, x);
    const model = linearModel(three.weights, three.bias);
    const { notes } = await attacked(
      "apgd-dlr",
      model,
      { x, y },
      { norm: "linf", eps: 0.01 },
    );
    expect(notes).toEqual([]);
  });
});

/** Runs an attack on a model that is changed between it and the target. */
async function through(
  change: (inner: CompiledModel) => CompiledModel,
  norm: "linf" | "l1",
  eps: number,
  params: Record<string, unknown>,
) {
  const unit = attacks.find((a) => a.id === "apgd-ce") as Attack;
  const x = uniformPoints(20, 5, [0.3, 0.7], 3);
  const y = labelsOf(binary, x);
  const model = change(
    await compile(linearModel(binary.weights, binary.bias), onnxruntime),
  );
  const ball = ballOf(norm, eps, [0, 1]);
  const target = grantAccess(model, { access: "gradient", x, y, limit: ball });
  const random = Array.from(y, (_, i) => new Random(i));
  await unit.run({
    target,
    x,
    y,
    ball,
    params: unit.params.parse(params),
    random,
    onProgress: () => {},
  });
  const standing = Array.from(target.distances).filter((d) => d === Infinity);
  return { x, target, standing: standing.length };
}

test("L1 starts in a ball of 3 eps, goes on in one of 2 eps and ends in its own", async () => {
  const farthest: number[] = [];
  let clean: FloatTensor | undefined;
  const ball = ballOf("l1", 1e-3, [0, 1]);
  const watched = (inner: CompiledModel): CompiledModel => ({
    ...inner,
    lossGradient: (points, ...rest) => {
      clean ??= uniformPoints(20, 5, [0.3, 0.7], 3);
      farthest.push(
        Math.max(...ball.distance(clean, points as FloatTensor)) / 1e-3,
      );
      return inner.lossGradient(points, ...rest);
    },
  });
  const { standing } = await through(watched, "l1", 1e-3, { steps: 20 });
  expect(standing).toBe(20);
  // A look at the last point of the first two balls.
  expect(farthest.length).toBe(22);
  const between = (from: number, to: number) =>
    Math.max(...farthest.slice(from, to));
  expect(between(0, 7)).toBeCloseTo(3, 1);
  expect(between(7, 14)).toBeCloseTo(2, 1);
  expect(between(14, 22)).toBeCloseTo(1, 1);
});

test("eot averages what the model draws", async () => {
  // Every other gradient points the wrong way, twice as far. The means
  // of four are right.
  const drawing = (factors: number[]) => {
    let call = 0;
    return (inner: CompiledModel): CompiledModel => ({
      ...inner,
      async lossGradient(...ask) {
        const answer = await inner.lossGradient(...ask);
        const factor = factors[call++ % factors.length]!;
        const data = answer.gradient.data.map((g) => g * factor);
        return { ...answer, gradient: { ...answer.gradient, data } };
      },
    });
  };
  const eps = 0.1;
  const params = { steps: 10 };
  const plain = await through((m) => m, "linf", eps, params);
  const wrong = drawing([-2, -2, 3, 3]);
  const alone = await through(wrong, "linf", eps, { steps: 1 });
  const averaged = await through(wrong, "linf", eps, { ...params, eot: 4 });
  expect(plain.standing).toBeGreaterThan(0);
  expect(alone.standing).toBeGreaterThan(plain.standing);
  expect(averaged.standing).toBe(plain.standing);
  expect(averaged.target.queries.gradient).toBeGreaterThan(
    40 * averaged.standing - 1,
  );
});
