import { expect } from "vitest";
import { type GradientOptions, gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  arrayTypes,
  type Dim,
  emptyGraph,
  GraphBuilder,
  OPSET,
  sizeOf,
  type Tensor,
} from "#onnx";

type Float = "float32" | "float64";

export interface Subject {
  /** Shapes of the float inputs that are differentiated. */
  readonly shapes: readonly (readonly number[])[];
  /** What the graph is told of the shapes, where that is less. */
  readonly declared?: readonly (readonly Dim[] | undefined)[];
  /** Adds the nodes and returns the output. */
  readonly build: (b: GraphBuilder, inputs: string[]) => string;
  /** double precision where onnxruntime has the kernels. */
  readonly type?: Float;
  /**
   * Step of the central difference. It is exact at any step for linear and bilinear
   * operators, and between kinks.
   */
  readonly step?: number;
  readonly tolerance?: number;
  /**
   * Whether the operator is linear: then <A v, u> is compared with <v, A^T u>, without
   * any differences.
   */
  readonly linear?: boolean;
  /** How an element is drawn; standard normal when left out. */
  readonly draw?: (random: Random, i: number, n: number) => number;
  readonly seed?: number;
  /** What was drawn, for the message of a failure. */
  readonly about?: unknown;
  /** What the engine is said to lack. */
  readonly avoid?: GradientOptions["avoid"];
  /** Operator set of the graph, where the operator is newer than the usual one. */
  readonly opset?: number;
}

/**
 * Distinct values one apart, none at an integer: no two tie and none is at 0
 * within a step of 0.2.
 */
export function distinct(
  random: Random,
): (random: Random, i: number, n: number) => number {
  let order: number[] = [];
  return (_r, i, n) => {
    if (i === 0) order = random.permutation(n);
    return order[i]! - Math.floor(n / 2) + 0.5;
  };
}

/** Settings for operators that are linear between kinks. */
export const kinked = (seed: number) => ({
  draw: distinct(new Random(seed)),
  step: 0.2,
  tolerance: 1e-3,
});

/**
 * Settings for linear operators, whose gradients the adjoint identity
 * shows to be exact.
 */
export const linear = { linear: true, tolerance: 1e-5 };

/** Settings for operators that are linear in each input. */
export const bilinear = { step: 0.5, tolerance: 1e-3 };

/**
 * Compares the gradient graph with central differences of <weights, y> along random
 * directions (of a linear operator with the adjoint identity), and checks that every
 * gradient has its input's shape.
 */
export async function checkGradient(subject: Subject): Promise<void> {
  const {
    shapes,
    declared,
    build,
    type = "float32",
    step = subject.linear ? 1 : 1e-5,
    tolerance = type === "float64" ? 1e-6 : 1e-2,
    seed = 1,
  } = subject;
  const random = new Random(seed);
  const draw = subject.draw ?? ((r: Random) => r.normal());
  const b = new GraphBuilder({
    ...emptyGraph("subject"),
    opsets: new Map([["", subject.opset ?? OPSET]]),
  });
  const names = shapes.map((dims, i) =>
    b.input({ name: `x${i}`, type, dims: declared ? declared[i] : dims }),
  );
  const y = build(b, names);
  const forward = b.build([y]);
  const make = (
    dims: readonly number[],
    each: (i: number, n: number) => number,
  ): Tensor => {
    const n = sizeOf(dims);
    return {
      type,
      dims,
      data: (arrayTypes[type] as typeof Float64Array).from(
        Array.from({ length: n }, (_, i) => each(i, n)),
      ) as Tensor["data"],
    };
  };
  const feeds = Object.fromEntries(
    names.map((name, k) => [
      name,
      make(shapes[k] as number[], (i, n) => draw(random, i, n)),
    ]),
  );

  const plain = await onnxruntime.load(forward);
  const at = (await plain.run(feeds))[y]!;
  // What was inferred without running is what came out.
  expect(b.type(y)).toBe(at.type);
  b.dims(y)?.forEach((d, i) => {
    if (typeof d === "number") expect(at.dims[i]).toBe(d);
  });
  if (!declared) expect(b.dims(y), "inferred shape").toEqual(at.dims);
  const weights = make(at.dims, () => random.normal());
  const seeded = new GraphBuilder(forward);
  seeded.input({ name: "weights", type, dims: at.dims });
  const result = gradient(seeded.build([y]), {
    avoid: subject.avoid,
    of: y,
    wrt: names,
    seed: "weights",
  });
  const backward = await onnxruntime.load(result.graph);
  const outputs = await backward.run({ ...feeds, weights });
  const gradients = names.map(
    (name) => outputs[result.gradients.get(name) as string]!,
  );
  gradients.forEach((g, k) => {
    expect(g.dims, `shape of the gradient of input ${k}`).toEqual(shapes[k]);
  });
  // The forward pass is still the same in the gradient graph.
  const forth = outputs[y]?.data as ArrayLike<number>;
  Array.from(at.data as ArrayLike<number>).forEach((v, i) => {
    expect(forth[i]).toBeCloseTo(v, 3);
  });

  for (let d = 0; d < 3; d++) {
    const directions = shapes.map((dims) =>
      make(dims, () => 2 * random.uniform() - 1),
    );
    const value = async (sign: number) => {
      const moved = Object.fromEntries(
        names.map((name, k) => [
          name,
          make(
            shapes[k] as number[],
            (i) =>
              (subject.linear ? 0 : Number(feeds[name]?.data[i])) +
              sign * step * Number(directions[k]?.data[i]),
          ),
        ]),
      );
      return dot((await plain.run(moved))[y]!, weights);
    };
    const numeric = subject.linear
      ? (await value(1)) / step
      : ((await value(1)) - (await value(-1))) / (2 * step);
    const analytic = gradients.reduce(
      (sum, g, k) => sum + dot(g, directions[k]!),
      0,
    );
    const scale =
      gradients.reduce((sum, g) => sum + Math.sqrt(dot(g, g)), 0) + 1e-3;
    expect(
      Math.abs(numeric - analytic) / scale,
      `difference ${numeric}, gradient ${analytic}`,
    ).toBeLessThan(tolerance);
  }
  await plain.release();
  await backward.release();
}

function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++)
    sum += Number(a.data[i]) * Number(b.data[i]);
  return sum;
}
