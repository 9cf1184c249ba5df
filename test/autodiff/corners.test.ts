import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import type { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  GraphBuilder as Builder,
  emptyGraph,
  type FloatTensor,
  float,
  floats,
  type GraphBuilder,
  int,
  int64s,
  ints,
  string,
  type Tensor,
} from "#onnx";
import { runs } from "../runs.ts";
import {
  bilinear,
  checkGradient,
  kinked,
  linear,
  type Subject,
} from "./check.ts";

const double = { type: "float64" as const };
const positive = (r: Random) => 0.3 + 2 * r.uniform();
const doubles = (values: number[], dims = [values.length]): Tensor => ({
  type: "float64",
  dims,
  data: Float64Array.from(values),
});

type Build = Subject["build"];
type Attributes = Parameters<GraphBuilder["op"]>[2];
const apply =
  (op: string, attributes: Attributes = {}): Build =>
  (b, x) =>
    b.op(op, x, attributes);
const on =
  (build: (b: GraphBuilder, x: string) => string): Build =>
  (b, [x = ""]) =>
    build(b, x);

/** Forms of an operator that the random subjects of the rules do not reach. */
const corners: [string, Subject][] = [
  // Convolutions
  [
    "a weight gradient too large for columns is made tap by tap",
    {
      shapes: [
        [1, 8, 180, 180],
        [2, 8, 3, 3],
      ],
      ...bilinear,
      build: apply("Conv", { pads: ints([1, 1, 1, 1]) }),
    },
  ],
  [
    "Conv in three dimensions, with groups and strides",
    {
      shapes: [[2, 4, 4, 5, 4], [4, 2, 2, 3, 2], [4]],
      ...bilinear,
      build: apply("Conv", {
        group: int(2),
        strides: ints([1, 2, 1]),
        pads: ints([1, 0, 1, 0, 1, 1]),
      }),
    },
  ],
  [
    "depthwise Conv with two filters a channel",
    {
      shapes: [
        [2, 3, 6, 6],
        [6, 1, 3, 3],
      ],
      ...bilinear,
      build: apply("Conv", { group: int(3), strides: ints([2, 1]) }),
    },
  ],
  [
    "Conv padded by more than its kernel",
    {
      shapes: [
        [2, 6, 6, 5],
        [2, 6, 2, 2],
      ],
      ...bilinear,
      build: apply("Conv", {
        pads: ints([4, 3, 0, 5]),
        strides: ints([3, 2]),
      }),
    },
  ],
  [
    "1x1 Conv with a stride",
    {
      shapes: [
        [2, 6, 6, 5],
        [2, 6, 1, 1],
      ],
      ...bilinear,
      build: apply("Conv", { strides: ints([3, 2]) }),
    },
  ],
  [
    "1x1 Conv with padding",
    {
      shapes: [
        [2, 6, 6, 5],
        [2, 6, 1, 1],
      ],
      ...bilinear,
      build: apply("Conv", { pads: ints([1, 0, 2, 1]) }),
    },
  ],
  // Pools
  ...["SAME_UPPER", "SAME_LOWER", "VALID"].flatMap((auto) =>
    ["MaxPool", "AveragePool"].flatMap((op) =>
      [1, 2, 3].map((stride): [string, Subject] => [
        `${op} padded by ${auto}, stride ${stride}`,
        {
          shapes: [[1, 2, 7, 8]],
          ...(op === "MaxPool" ? kinked(3) : linear),
          build: apply(op, {
            kernel_shape: ints([2, 3]),
            strides: ints([stride, stride]),
            auto_pad: string(auto),
            ceil_mode: int(stride % 2),
          }),
        },
      ]),
    ),
  ),
  [
    "a dilated MaxPool that pads automatically",
    {
      shapes: [[1, 1, 9, 9]],
      ...kinked(1),
      build: apply("MaxPool", {
        kernel_shape: ints([3, 3]),
        dilations: ints([2, 2]),
        auto_pad: string("SAME_UPPER"),
      }),
    },
  ],
  [
    "MaxPool in three dimensions, dilated",
    {
      shapes: [[1, 2, 5, 5, 6]],
      ...kinked(3),
      build: apply("MaxPool", {
        kernel_shape: ints([2, 2, 3]),
        strides: ints([1, 2, 2]),
        dilations: ints([2, 1, 1]),
        pads: ints([1, 0, 1, 0, 1, 1]),
      }),
    },
  ],
  ...["GlobalAveragePool", "GlobalMaxPool", "MaxPool"].map(
    (op): [string, Subject] => [
      `${op} of an image of open size`,
      {
        shapes: [[2, 3, 5, 7]],
        declared: [["n", 3, "h", "w"]],
        ...kinked(4),
        build: apply(
          op,
          op === "MaxPool"
            ? { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }
            : {},
        ),
      },
    ],
  ),
  // Slices and pads
  [
    "Slice with the ends of int64",
    {
      shapes: [[5, 2]],
      ...double,
      build: on((b, x) => {
        const extreme = (v: bigint) =>
          b.constant({ type: "int64", dims: [1], data: BigInt64Array.of(v) });
        return b.op("Slice", [
          x,
          extreme(2n ** 63n - 1n),
          extreme(-(2n ** 63n)),
          b.ints([0]),
          b.ints([-3]),
        ]);
      }),
    },
  ],
  ...[
    [3, 3, 2],
    [1, 3, -2],
    [4, 4, 1],
  ].map(([start = 0, end = 0, step = 1]): [string, Subject] => [
    `Slice that takes nothing, ${start}:${end}:${step}`,
    {
      shapes: [[5], [3]],
      ...double,
      build: (b, [x = "", y = ""]) =>
        b.concat([b.slice(x, [start], [end], [0], [step]), y], 0),
    },
  ]),
  [
    "Slice with a step beside an open axis",
    {
      shapes: [[4, 5, 2]],
      declared: [["n", 5, null]],
      ...double,
      build: on((b, x) => b.slice(x, [1], [5], [1], [2])),
    },
  ],
  ...["reflect", "edge", "wrap"].flatMap((mode) =>
    [
      [-1, 2],
      [2, -2],
      [-1, -2],
    ].map((pads): [string, Subject] => [
      `Pad by ${mode} that crops: ${pads}`,
      {
        shapes: [[3, 6]],
        declared: [["n", 6]],
        ...linear,
        build: on((b, x) =>
          b.op("Pad", [x, b.ints([0, pads[0] ?? 0, 0, pads[1] ?? 0])], {
            mode: string(mode),
          }),
        ),
      },
    ]),
  ),
  // Picking
  [
    "Gather by indices of rank 3 along the last axis",
    {
      shapes: [[3, 4]],
      ...double,
      build: on((b, x) =>
        b.op(
          "Gather",
          [x, b.constant(int64s([0, -1, 1, 1, -4, 3, 2, 2], [2, 2, 2]))],
          { axis: int(-1) },
        ),
      ),
    },
  ],
  [
    "Gather by indices that the model computes",
    {
      shapes: [[4, 2]],
      ...double,
      build: on((b, x) =>
        b.op("Gather", [
          x,
          b.op("ArgMax", [x], { axis: int(0), keepdims: int(0) }),
        ]),
      ),
    },
  ],
  [
    "GatherElements along the last axis",
    {
      shapes: [[3, 3]],
      ...double,
      build: on((b, x) =>
        b.op(
          "GatherElements",
          [x, b.constant(int64s([0, -1, -1, -1, 2, 2], [3, 2]))],
          { axis: int(-1) },
        ),
      ),
    },
  ],
  [
    "TopK along the last axis, where none is stated",
    {
      shapes: [[3, 4]],
      ...kinked(5),
      build: on((b, x) => b.many("TopK", [x, b.ints([2])], {}, 2)[0]!),
    },
  ],
  // Reductions over nothing
  ...["ReduceSum", "ReduceMean", "ReduceMax"].map((op): [string, Subject] => [
    `${op} that has no axes and may do nothing`,
    {
      shapes: [[3, 4]],
      ...double,
      build: apply(op, {
        keepdims: int(0),
        noop_with_empty_axes: int(1),
      }),
    },
  ]),
  // Sizes that are open
  ...(
    [
      ["ReduceMean", false],
      ["ReduceMax", false],
      ["ReduceLogSumExp", true],
    ] as const
  ).map(([op, keep]): [string, Subject] => [
    `${op} over open axes`,
    {
      shapes: [[3, 4, 2]],
      declared: [["n", 4, "m"]],
      ...double,
      build: on((b, x) =>
        b.op(op, [x, b.ints([-1, 0])], { keepdims: int(+keep) }),
      ),
    },
  ]),
  [
    "Tile of an open batch",
    {
      shapes: [[3, 4]],
      declared: [["n", 4]],
      ...double,
      build: on((b, x) => b.op("Tile", [x, b.ints([2, 3])])),
    },
  ],
  [
    "Concat of open sizes, one of them twice",
    {
      shapes: [
        [3, 2],
        [2, 2],
      ],
      declared: [
        ["n", 2],
        ["m", 2],
      ],
      ...double,
      build: (b, [x = "", y = ""]) =>
        b.op("Concat", [x, y, x], { axis: int(-2) }),
    },
  ],
  [
    "Expand to a shape that is computed",
    {
      shapes: [
        [1, 4],
        [3, 1],
      ],
      declared: [
        [1, "m"],
        ["n", 1],
      ],
      ...double,
      build: (b, [x = "", y = ""]) =>
        b.mul(b.expand(x, b.shapeOf(b.mul(x, y))), y),
    },
  ],
  [
    "MatMul whose batches are open and broadcast",
    {
      shapes: [
        [2, 3, 4],
        [1, 4, 2],
      ],
      declared: [
        ["n", 3, 4],
        ["m", 4, 2],
      ],
      ...double,
      build: apply("MatMul"),
    },
  ],
  ...(
    [
      [[3, 4], [4]],
      [[3, 1], [4]],
      [
        [3, 1],
        [1, 4],
      ],
      [[], [2, 3]],
    ] as number[][][]
  ).map((shapes): [string, Subject] => [
    `un-broadcasting when not even ranks are known: ${JSON.stringify(shapes)}`,
    {
      shapes,
      declared: [undefined, undefined],
      ...double,
      build: apply("Mul"),
    },
  ]),
  [
    "un-broadcasting where sizes have different names",
    {
      shapes: [[3], [1]],
      declared: [["a"], ["b"]],
      ...double,
      build: apply("Mul"),
    },
  ],
  // Elementwise
  [
    "Clip whose bounds have gradients too",
    {
      shapes: [[40], [], []],
      ...double,
      draw: (r: Random) => 3 * r.normal(),
      step: 1e-6,
      build: (b, [x = "", low = "", high = ""]) =>
        b.op("Clip", [x, b.sub(-0.5, b.abs(low)), b.add(b.abs(high), 0.5)]),
    },
  ],
  [
    "Pow by whole exponents, also of negative numbers",
    {
      shapes: [[4]],
      ...double,
      build: on((b, x) => b.pow(x, b.constant(doubles([2, 3, 0, 1])))),
    },
  ],
  [
    "Pow by a constant of more axes",
    {
      shapes: [[3]],
      ...double,
      draw: positive,
      build: on((b, x) => b.pow(x, b.constant(doubles([3], [1, 1])))),
    },
  ],
  [
    "x^0 has slope 0",
    { shapes: [[3]], ...double, build: on((b, x) => b.pow(x, 0)) },
  ],
  [
    "Where whose condition is the widest",
    {
      shapes: [[1], [4]],
      ...double,
      build: (b, x) =>
        b.op("Where", [
          b.constant({
            type: "bool",
            dims: [3, 1],
            data: Uint8Array.of(1, 0, 1),
          }),
          ...x,
        ]),
    },
  ],
  [
    "Gemm that ignores its bias, and one that subtracts it",
    {
      shapes: [[2, 3], [3, 4], [4], [1, 1]],
      ...double,
      build: (b, [x = "", w = "", c = "", d = ""]) =>
        b.add(
          b.op("Gemm", [x, w, c], { beta: float(0) }),
          b.op("Gemm", [x, w, d], { beta: float(-0.5), alpha: float(2) }),
        ),
    },
  ],
];

describe("corners of the rules", () => {
  test.each(corners)("%s", async (_name, subject) => {
    await checkGradient(subject);
  });

  test("any Slice of known sizes", async () => {
    const length = 6;
    const edge = fc.integer({ min: -length - 2, max: length + 2 });
    const part = fc
      .tuple(edge, fc.option(edge), fc.constantFrom(1, 2, 3, -1, -2, -3))
      // No end is the extreme of int32 in the direction of the step.
      .map(
        ([start, end, step]) =>
          [start, end ?? (step > 0 ? 2 ** 31 - 1 : -(2 ** 31)), step] as const,
      );
    await fc.assert(
      fc.asyncProperty(part, part, async (p, q) => {
        await checkGradient({
          shapes: [
            [length, length],
            [length, length],
          ],
          ...double,
          // Beside a product, so that an empty slice is a graph still.
          build: (b, [x = "", y = ""]) =>
            b.add(
              b.mul(x, y),
              b.reduceSum(
                b.mul(
                  b.slice(x, [p[0], q[0]], [p[1], q[1]], [0, -1], [p[2], q[2]]),
                  2,
                ),
              ),
            ),
        });
      }),
      runs(25),
    );
  });

  test("AveragePool may be dilated from opset 19 on", async () => {
    for (const dilation of [1, 2])
      for (const [ceil, count] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const b = new Builder({
          ...emptyGraph("g"),
          opsets: new Map([["", 19]]),
        });
        b.input({ name: "x", type: "float32", dims: [1, 1, 8, 9] });
        const y = b.op("AveragePool", ["x"], {
          kernel_shape: ints([2, 3]),
          strides: ints([2, 2]),
          dilations: ints([dilation, dilation]),
          pads: ints([1, 0, 1, 1]),
          ceil_mode: int(ceil),
          count_include_pad: int(count),
        });
        const { graph, gradients } = gradient(b.build([y]), {
          of: y,
          wrt: ["x"],
        });
        const x = floats(
          [1, 1, 8, 9],
          Array.from({ length: 72 }, (_, i) => Math.sin(i * i)),
        );
        const session = await onnxruntime.load(graph);
        const out = await session.run({ x });
        await session.release();
        const g = out[gradients.get("x") as string] as FloatTensor;
        expect(out[y]?.dims).toEqual(b.dims(y));
        // The pool is linear: <gradient of its sum, x> is its sum.
        const sum = (out[y] as FloatTensor).data.reduce((s, v) => s + v, 0);
        expect(
          g.data.reduce((s, v, i) => s + v * (x.data[i] ?? 0), 0),
        ).toBeCloseTo(sum, 4);
      }
  });

  test("a constant exponent may be differentiated, as generalised-mean pooling is trained", async () => {
    const b = new Builder(emptyGraph("g"));
    b.input({ name: "x", type: "float32", dims: [2] });
    b.constant(floats([1], [3]), "p");
    const y = b.op("Pow", ["x", "p"]);
    const { graph, gradients } = gradient(b.build([y]), {
      of: y,
      wrt: ["x", "p"],
    });
    const out = await (await onnxruntime.load(graph)).run({
      x: floats([2], [2, 3]),
    });
    const of = (name: string) =>
      (out[gradients.get(name) as string] as FloatTensor).data;
    expect([...of("x")]).toEqual([12, 27]);
    expect(of("p")[0]).toBeCloseTo(8 * Math.log(2) + 27 * Math.log(3), 3);
  });

  test("the gradient of a gradient is the second derivative", async () => {
    const b = new Builder(emptyGraph("g"));
    b.input({ name: "x", type: "float32", dims: [2] });
    const y = b.op("Tanh", [b.mul("x", b.mul("x", "x"))]);
    const first = gradient(b.build([y]), { of: y, wrt: ["x"] });
    const slope = first.gradients.get("x") as string;
    const second = gradient(first.graph, { of: slope, wrt: ["x"] });
    const out = await (await onnxruntime.load(second.graph)).run({
      x: floats([2], [0.5, -0.8]),
    });
    const seen = (out[second.gradients.get("x") as string] as FloatTensor).data;
    [0.5, -0.8].forEach((x, i) => {
      const t = Math.tanh(x ** 3);
      const wanted = (1 - t * t) * (6 * x - 18 * x ** 4 * t);
      expect(seen[i]).toBeCloseTo(wanted, 4);
    });
  });
});
