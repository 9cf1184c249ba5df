import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  type Dim,
  divide,
  emptyGraph,
  filled,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
  multiply,
  numbers,
  string,
} from "#onnx";
import { runs } from "../runs.ts";

const open = (dims: readonly Dim[]) => {
  const b = new GraphBuilder(emptyGraph("g"));
  return { b, x: b.input({ name: "x", type: "float32", dims }) };
};

/** The shapes that come out for two sizes of the open dimension. */
async function shapesOf(
  b: GraphBuilder,
  y: string,
  at: (n: number) => number[],
): Promise<number[][]> {
  const session = await onnxruntime.load(b.build([y]));
  const shapes: number[][] = [];
  for (const n of [2, 5]) {
    const out = await session.run({ x: filled("float32", at(n), 1) });
    shapes.push([...(out[y]?.dims ?? [])]);
  }
  return shapes;
}

/** The idioms in which exporters compute shapes while the model runs. */
const idioms: [
  string,
  readonly Dim[],
  (b: GraphBuilder, x: string) => string,
  readonly Dim[],
][] = [
  [
    "x.view(x.size(0), -1)",
    ["n", 3, 4],
    (b, x) => {
      const batch = b.op(
        "Gather",
        [b.shapeOf(x), b.constant(int64s([0], []))],
        { axis: int(0) },
      );
      return b.reshape(x, b.concat([b.unsqueeze(batch, [0]), b.ints([-1])], 0));
    },
    ["n", 12],
  ],
  [
    "flatten from the second axis",
    ["n", 3, 4],
    (b, x) => b.op("Flatten", [x], { axis: int(2) }),
    ["3*n", 4],
  ],
  [
    "split heads: reshape to (n, length, heads, width)",
    ["n", 5, 8],
    (b, x) =>
      b.transpose(
        b.reshape(
          x,
          b.concat([b.slice(b.shapeOf(x), [0], [2], [0]), b.ints([2, 4])], 0),
        ),
        [0, 2, 1, 3],
      ),
    ["n", 2, 5, 4],
  ],
  [
    "merge the batch and an axis",
    ["n", 3, 4],
    (b, x) => b.reshape(x, [-1, 4]),
    ["3*n", 4],
  ],
  [
    "merge and divide again",
    ["n", 4, 4],
    (b, x) => b.reshape(b.reshape(x, [-1, 2]), [-1, 4, 4]),
    ["n", 4, 4],
  ],
  [
    "expand with -1 replaced by the size: Where(Equal(shape, -1), ones, shape)",
    ["n", 1],
    (b, x) => {
      const wanted = b.ints([-1, 6]);
      const ones = b.op("ConstantOfShape", [b.ints([2])], {
        value: { kind: "tensor", value: int64s([1]) },
      });
      return b.expand(
        x,
        b.op("Where", [b.equal(wanted, b.ints([-1, -1])), ones, wanted]),
      );
    },
    ["n", 6],
  ],
  [
    "half of an axis by Shape, Div and Slice",
    ["n", 6],
    (b, x) => {
      const width = b.op("Gather", [b.shapeOf(x), b.ints([1])], {
        axis: int(0),
      });
      return b.op("Slice", [
        x,
        b.ints([0]),
        b.div(width, b.ints([2])),
        b.ints([1]),
      ]);
    },
    ["n", 3],
  ],
];

test.each(idioms)("%s", async (_what, dims, build, wanted) => {
  const { b, x } = open(dims);
  const y = build(b, x);
  expect(b.dims(y)).toEqual(wanted);
  const shapes = await shapesOf(b, y, (n) =>
    dims.map((d) => (d === "n" ? n : (d as number))),
  );
  [2, 5].forEach((n, k) => {
    expect(shapes[k]).toEqual(
      wanted.map((d) =>
        typeof d === "string"
          ? d === "n"
            ? n
            : Number(d.split("*")[0]) * n
          : d,
      ),
    );
  });
});

test("sizes multiply and divide with their names", () => {
  expect(multiply(["n", 3, 4])).toBe("12*n");
  expect(multiply(["n", "m"])).toBe("m*n");
  expect(multiply([])).toBe(1);
  expect(multiply(["n", null])).toBeNull();
  expect(divide("12*n", 4)).toBe("3*n");
  expect(divide("12*n", "n")).toBe(12);
  expect(divide("12*n", 5)).toBeNull();
  expect(divide("n", "m")).toBeNull();
});

/** A step of a chain: what it does to a value whose shape is known so far. */
type Step = (b: GraphBuilder, x: string) => string;

const rankOf = (b: GraphBuilder, x: string) => b.rankedDims(x).length;

/** Turns any number into an axis that the value has, from the front or from the end. */
const axisIn = (b: GraphBuilder, x: string, n: number) => {
  const rank = rankOf(b, x);
  return (n % (2 * rank)) - rank;
};

const steps: fc.Arbitrary<Step> = fc
  .tuple(fc.nat(16), fc.nat(100), fc.nat(100))
  .map(([kind, m, n]): Step => {
    const steps: Step[] = [
      (b, x) => b.op("Relu", [x]),
      (b, x) =>
        b.op("ReduceMean", [x, b.ints([axisIn(b, x, m)])], {
          keepdims: int(n % 2),
        }),
      (b, x) => b.op("Transpose", [x]),
      (b, x) => b.op("Flatten", [x], { axis: int(axisIn(b, x, m)) }),
      (b, x) => b.unsqueeze(x, [(m % (rankOf(b, x) + 1)) - (n % 2)]),
      (b, x) => b.op("Squeeze", [b.unsqueeze(x, [0]), b.ints([0])]),
      (b, x) => b.concat([x, x], axisIn(b, x, m)),
      // Of twice the axis, so that something remains: onnxruntime has ways of its
      // own with nothing.
      (b, x) => {
        const axis = axisIn(b, x, m);
        return b.slice(b.concat([x, x], axis), [n % 2], [2 ** 31 - 1], [axis]);
      },
      (b, x) =>
        b.op("Pad", [x, b.ints([n % 3, m % 2]), "", b.ints([axisIn(b, x, m)])]),
      (b, x) => b.add(x, 1),
      (b, x) =>
        b.op("Gather", [x, b.constant(int64s([0, 0], [1, 2]))], {
          axis: int(axisIn(b, x, m)),
        }),
      (b, x) => b.reshape(x, [-1]),
      (b, x) => b.expand(x, b.ints([2, ...b.rankedDims(x).map(() => 1)])),
      (b, x) =>
        b.op("Tile", [x, b.ints(b.rankedDims(x).map((_, i) => 1 + (i % 2)))]),
      (b, x) =>
        b.many(
          "Split",
          [b.concat([x, x], -1)],
          {
            axis: int(-1),
            num_outputs: int(2),
          },
          2,
        )[n % 2]!,
      (b, x) => b.reshape(x, b.shapeOf(b.op("Transpose", [x]))),
      (b, x) => b.cast(b.cast(b.greater(x, 0), "int64"), "float32"),
    ];
    const step: Step = (b, x) =>
      rankOf(b, x) === 0 || rankOf(b, x) > 5
        ? b.reshape(x, [-1, 1])
        : steps[kind]!(b, x);
    // Counterexamples name the step.
    return Object.assign(step, {
      [fc.toStringMethod]: () => `${steps[kind]} where m=${m}, n=${n}`,
    });
  });

const chains = fc.tuple(
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
  fc.array(steps, { minLength: 1, maxLength: 7 }),
);

describe("what is inferred of a random chain of operators is what comes out", () => {
  const check = async (sizes: number[], chain: Step[], named: boolean) => {
    const { b, x } = open(named ? ["n", ...sizes] : [4, ...sizes]);
    const y = chain.reduce((value, step) => step(b, value), x);
    const session = await onnxruntime.load(b.build([y]));
    for (const n of named ? [2, 5] : [4]) {
      const feeds = { x: filled("float32", [n, ...sizes], 1) };
      const out = (await session.run(feeds))[y];
      expect(b.type(y)).toBe(out?.type);
      const dims = b.dims(y);
      expect(dims?.length).toBe(out?.dims.length);
      dims?.forEach((d, i) => {
        if (d !== null) expect(out?.dims[i]).toBe(sizeFor(d, n));
        else expect(named, "only an open size may be unknown").toBe(true);
      });
    }
    await session.release();
  };

  test("of known sizes", async () => {
    await fc.assert(
      fc.asyncProperty(chains, ([sizes, chain]) => check(sizes, chain, false)),
      runs(80),
    );
  });

  test("of an open batch, run with two sizes", async () => {
    await fc.assert(
      fc.asyncProperty(chains, ([sizes, chain]) => check(sizes, chain, true)),
      runs(80),
    );
  });
});

/** A dim such as "6*n" for a size of n. */
function sizeFor(dim: Dim, n: number): number {
  return String(dim)
    .split("*")
    .reduce((product, part) => product * (part === "n" ? n : Number(part)), 1);
}

describe("the contents of integers are followed only as far as they are known", () => {
  const axes = (b: GraphBuilder, x: string) =>
    b.cast(b.reshape(b.reduceSum(b.mul(x, 0)), [1]), "int64");

  test.each<[string, (b: GraphBuilder, x: string) => string]>([
    [
      "operands that broadcast to a table",
      (b) =>
        b.op("Where", [
          b.less(
            b.reshape(b.ints([0, 1, 2]), [1, 3]),
            b.reshape(b.ints([1, 1, 2]), [3, 1]),
          ),
          b.ints([5]),
          b.ints([7]),
        ]),
    ],
    [
      "Min of a row and a column",
      (b) => b.op("Min", [b.ints([3, 4]), b.reshape(b.ints([1, 9]), [2, 1])]),
    ],
    [
      "conditions from numbers, and back",
      (b) => b.cast(b.op("Not", [b.cast(b.ints([5, 0]), "bool")]), "int64"),
    ],
    [
      "remainders of negative numbers",
      (b) =>
        b.concat(
          [
            b.op("Mod", [b.ints([-7, 7]), b.ints([4, -4])]),
            b.op("Mod", [b.ints([-7, 7]), b.ints([4, -4])], { fmod: int(1) }),
            b.div(b.ints([-7, 7]), b.ints([4, -4])),
          ],
          0,
        ),
    ],
    [
      "steps of a slice that are computed",
      (b, x) =>
        b.op("Slice", [
          x,
          b.ints([0]),
          b.ints([6]),
          b.ints([2]),
          b.add(axes(b, x), 2),
        ]),
    ],
    [
      "axes of a squeeze that are computed",
      (b, x) => b.op("Squeeze", [x, axes(b, x)]),
    ],
    [
      "axes of a pad that are computed",
      (b, x) => b.op("Pad", [x, b.ints([1, 1]), "", axes(b, x)]),
    ],
    [
      "sizes of a split that are computed",
      (b, x) =>
        b.many(
          "Split",
          [x, b.concat([b.add(axes(b, x), 1), b.add(axes(b, x), 5)], 0)],
          { axis: int(2) },
          2,
        )[0]!,
    ],
    [
      "axes of a sum that are computed",
      (b, x) =>
        b.op("ReduceSum", [x, b.add(axes(b, x), 2)], { keepdims: int(0) }),
    ],
    [
      "a transposed convolution that pads automatically",
      (b, x) =>
        b.op(
          "ConvTranspose",
          [b.unsqueeze(x, [0]), b.constant(filled("float32", [1, 2, 3, 3], 1))],
          { strides: ints([2, 3]), auto_pad: string("SAME_UPPER") },
        ),
    ],
    [
      "an identity matrix of another type",
      (b, x) => b.op("EyeLike", [b.reshape(x, [2, 3])], { dtype: int(11) }),
    ],
  ])("%s", async (_what, build) => {
    const { b, x } = open([1, 1, 6]);
    const y = build(b, x);
    // The shape that is claimed is left out, so that it cannot mislead the engine.
    const graph = b.build([y]);
    const bare = { ...graph, outputs: [{ name: y, type: b.type(y) }] };
    const session = await onnxruntime.load(bare);
    const out = await session.run({ x: filled("float32", [1, 1, 6], 1) });
    const { type, dims, values } = inferred(graph, y);
    const seen = out[y]!;
    expect(type).toBe(seen.type);
    if (dims) expect(dims.length).toBe(seen.dims.length);
    dims?.forEach((d, i) => {
      if (typeof d === "number") expect(d).toBe(seen.dims[i]);
    });
    if (values) expect(values).toEqual(numbers(seen));
  });

  const inferred = (graph: Graph, y: string) =>
    new GraphBuilder(graph).known(y);
});

test("a model of open image size that pads automatically can be read; its size is asked for later", () => {
  const { b, x } = open(["n", 1, "h", "w"]);
  const same = { strides: ints([2, 2]), auto_pad: string("SAME_UPPER") };
  const pooled = b.op("MaxPool", [x], { ...same, kernel_shape: ints([2, 2]) });
  const filters = b.constant(filled("float32", [3, 1, 3, 3], 1));
  const y = b.op("Conv", [pooled, filters], same);
  expect(b.dims(pooled)).toEqual(["n", 1, null, null]);
  expect(b.dims(y)).toEqual(["n", 3, null, null]);
});

describe("contents of integers move as the elements do", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), {
    minLength: 1,
    maxLength: 3,
  });
  /** One operator that moves elements, by numbers that say how. */
  const moved = (b: GraphBuilder, x: string, how: number[]): string => {
    const dims = b.dims(x) as number[];
    const [which = 0, p = 0, q = 0] = how;
    const axis = p % dims.length;
    const length = dims[axis] ?? 1;
    switch (which) {
      case 0:
        return b.transpose(
          x,
          dims.map((_, i) => (i + p) % dims.length),
        );
      case 1:
        return b.slice(x, [q % length], [length], [axis], [1 + (p % 2)]);
      case 2:
        return b.slice(x, [-1], [-99], [axis], [-1]);
      case 3:
        return b.op("Gather", [x, b.ints([q % length, -1])], {
          axis: int(axis),
        });
      case 4:
        return b.concat([x, x], axis);
      case 5:
        return b.many(
          "Split",
          [x, b.ints([1, length - 1])],
          { axis: int(axis) },
          2,
        )[length > 1 ? 1 : 0]!;
      case 6:
        return b.expand(b.unsqueeze(x, [0]), b.ints([2, ...dims]));
      case 7:
        return b.op("Tile", [
          x,
          b.ints(dims.map((_, i) => (i === axis ? 2 : 1))),
        ]);
      case 8:
        return b.op("Flatten", [x], { axis: int(axis) });
      default:
        return b.add(x, b.slice(x, [0], [1], [axis]));
    }
  };
  const step = fc.tuple(fc.nat(9), fc.nat(5), fc.nat(5));

  test("as onnxruntime moves them", async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(step, { minLength: 1, maxLength: 3 }),
        async (dims, steps) => {
          const b = new GraphBuilder(emptyGraph("g"));
          const count = dims.reduce((n, d) => n * d, 1);
          let y = b.constant(
            int64s(
              Array.from({ length: count }, (_, i) => 7 * i + 1),
              dims,
            ),
          );
          for (const how of steps) {
            const size = (b.dims(y) as number[]).reduce((n, d) => n * d, 1);
            if (size > 0 && size <= 32) y = moved(b, y, how);
          }
          const session = await onnxruntime.load(b.build([y]));
          const out = (await session.run({}))[y];
          await session.release();
          expect(b.dims(y)).toEqual(out?.dims);
          expect(b.intsOf(y)).toEqual(out && numbers(out));
        },
      ),
      runs(100),
    );
  });
});

test.each([
  [2, 2],
  [3, 3],
  [4, 6],
])(
  "a support vector machine of %i classes gives %i scores a row",
  async (classes, scores) => {
    const b = new GraphBuilder({
      ...emptyGraph("svc"),
      opsets: new Map([
        ["", 18],
        ["ai.onnx.ml", 1],
      ]),
    });
    b.input({ name: "x", type: "float32", dims: ["n", 2] });
    const numbersOf = (count: number) => ({
      kind: "floats" as const,
      value: Array.from({ length: count }, (_, i) => Math.sin(i)),
    });
    const pairs = (classes * (classes - 1)) / 2;
    b.append({
      name: "svc",
      op: "SVMClassifier",
      domain: "ai.onnx.ml",
      inputs: ["x"],
      outputs: ["label", "scores"],
      attributes: {
        classlabels_ints: ints(Array.from({ length: classes }, (_, i) => i)),
        coefficients: numbersOf(classes * (classes - 1)),
        kernel_type: string("LINEAR"),
        kernel_params: numbersOf(3),
        rho: numbersOf(pairs),
        support_vectors: numbersOf(2 * classes),
        vectors_per_class: ints(new Array(classes).fill(1)),
        post_transform: string("NONE"),
      },
    });
    expect(b.dims("label")).toEqual(["n"]);
    expect(b.dims("scores")).toEqual(["n", scores]);
    const session = await onnxruntime.load(b.build(["label", "scores"]));
    const out = await session.run({ x: filled("float32", [5, 2], 1) });
    await session.release();
    expect(out.scores?.dims).toEqual([5, scores]);
  },
);
