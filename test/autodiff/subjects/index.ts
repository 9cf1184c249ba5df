import fc from "fast-check";
import { Random } from "#core";
import {
  type Attributes,
  float,
  floats,
  type GraphBuilder,
  int,
  int64s,
  ints,
  string,
} from "#onnx";
import { bilinear, kinked, linear, type Subject } from "../check.ts";
import { indexingSubjects } from "./indexing.ts";
import { spatial } from "./spatial.ts";

export const seeds = fc.nat(1e6);
const size = fc.integer({ min: 1, max: 4 });
const shape = fc.array(size, { minLength: 1, maxLength: 4 });
export const double = { type: "float64" as const };

/** A shape and one that broadcasts with it: axes of 1, and leading axes left out. */
const broadcastPair = shape.chain((dims) =>
  fc
    .record({
      full: fc.constant(dims),
      ones: fc.array(fc.boolean(), {
        minLength: dims.length,
        maxLength: dims.length,
      }),
      drop: fc.integer({ min: 0, max: dims.length }),
      flip: fc.boolean(),
    })
    .map(({ full, ones, drop, flip }) => {
      const other = full.map((d, i) => (ones[i] ? 1 : d)).slice(drop);
      return flip ? [other, full] : [full, other];
    }),
);

/** Every axis or a non-empty choice of them, some counted from the end. */
const axesOf = (rank: number) =>
  fc.option(
    fc
      .subarray(
        Array.from({ length: rank }, (_, i) => i),
        { minLength: 1 },
      )
      .chain((axes) =>
        fc
          .array(fc.boolean(), {
            minLength: axes.length,
            maxLength: axes.length,
          })
          .map((neg) => axes.map((a, i) => (neg[i] ? a - rank : a))),
      ),
    { nil: undefined },
  );

export const positive = (random: Random) => 0.3 + 2 * random.uniform();
export const apply =
  (
    op: string,
    attributes: Attributes = {},
    ...more: ((b: GraphBuilder) => string)[]
  ) =>
  (b: GraphBuilder, x: string[]) =>
    b.op(op, [...x, ...more.map((m) => m(b))], attributes);
const constant =
  (t: Parameters<GraphBuilder["constant"]>[0]) => (b: GraphBuilder) =>
    b.constant(t);

/** For each rule, subjects by fast-check. Every rule of the table has to be here. */
export const subjects: Record<string, fc.Arbitrary<Subject>> = {
  ...spatial,
  ...indexingSubjects,
  ...Object.fromEntries(
    ["Add", "Sub", "Mul"].map((op) => [
      op,
      broadcastPair.map((shapes) => ({ shapes, ...double, build: apply(op) })),
    ]),
  ),
  Div: broadcastPair.map((shapes) => ({
    shapes,
    ...double,
    draw: positive,
    build: apply("Div"),
  })),
  Sum: fc.tuple(broadcastPair, shape).map(([[a = [], b = []]]) => ({
    shapes: [a, b, a],
    ...double,
    build: apply("Sum"),
  })),
  Mean: broadcastPair.map((shapes) => ({
    shapes,
    ...linear,
    build: apply("Mean"),
  })),
  Pow: fc.oneof(
    broadcastPair.map((shapes) => ({
      shapes,
      ...double,
      draw: positive,
      build: apply("Pow"),
    })),
    fc.tuple(shape, fc.constantFrom(2, 3, 0.5, -1, 1, -1.5)).map(
      ([dims, e]): Subject => ({
        shapes: [dims],
        ...double,
        draw: positive,
        build: (b, [x = ""]) => b.pow(x, e),
      }),
    ),
    shape.map(
      (dims): Subject => ({
        shapes: [dims],
        ...double,
        draw: positive,
        build: (b, [x = ""]) => b.op("Pow", [x, b.constant(int64s([3], []))]),
      }),
    ),
  ),
  ...Object.fromEntries(
    ["Neg", "Exp", "Tanh", "Sigmoid", "Sin", "Cos", "Identity"].map((op) => [
      op,
      shape.map((dims) => ({ shapes: [dims], ...double, build: apply(op) })),
    ]),
  ),
  ...Object.fromEntries(
    ["Log", "Sqrt", "Reciprocal"].map((op) => [
      op,
      shape.map((dims) => ({
        shapes: [dims],
        ...double,
        draw: positive,
        build: apply(op),
      })),
    ]),
  ),
  ...Object.fromEntries(
    ["Erf", "Softplus"].map((op) => [
      op,
      shape.map((dims) => ({ shapes: [dims], step: 0.02, build: apply(op) })),
    ]),
  ),
  Abs: fc.tuple(shape, seeds).map(([dims, s]) => ({
    shapes: [dims],
    ...kinked(s),
    build: apply("Abs"),
  })),
  Relu: fc.tuple(shape, seeds).map(([dims, s]) => ({
    shapes: [dims],
    ...kinked(s),
    build: apply("Relu"),
  })),
  LeakyRelu: fc
    .tuple(shape, seeds, fc.constantFrom(0.01, 0.3, 0, -0.5))
    .map(([dims, s, alpha]) => ({
      shapes: [dims],
      ...kinked(s),
      build: apply("LeakyRelu", { alpha: float(alpha) }),
    })),
  Clip: fc
    .tuple(
      shape,
      seeds,
      fc.constantFrom(
        [-2, 2],
        [undefined, 1],
        [-1, undefined],
        [undefined, undefined],
      ),
    )
    .map(
      ([dims, s, [low, high]]): Subject => ({
        shapes: [dims],
        ...kinked(s),
        build: (b, [x = ""]) =>
          b.op("Clip", [
            x,
            low === undefined ? "" : b.scalar(low),
            high === undefined ? "" : b.scalar(high),
          ]),
      }),
    ),
  ...Object.fromEntries(
    ["Softmax", "LogSoftmax"].map((op) => [
      op,
      shape.chain((dims) =>
        fc.integer({ min: -dims.length, max: dims.length - 1 }).map((axis) => ({
          shapes: [dims],
          ...double,
          build: apply(op, { axis: int(axis) }),
        })),
      ),
    ]),
  ),
  Where: broadcastPair.map(
    (shapes): Subject => ({
      shapes,
      ...double,
      build: (b, [x = "", y = ""]) =>
        b.where(b.greater(b.add(x, y), 0), b.mul(x, 2), y),
      draw: (r) => r.normal() * 3,
    }),
  ),
  Cast: shape.map(
    (dims): Subject => ({
      shapes: [dims],
      ...linear,
      build: (b, [x = ""]) =>
        b.cast(b.cast(b.cast(x, "float64"), "float32"), "float32"),
    }),
  ),
  Dropout: shape.map(
    (dims): Subject => ({
      shapes: [dims],
      ...linear,
      build: apply("Dropout", {}, constant(floats([], [0.5]))),
    }),
  ),
  ...Object.fromEntries(
    ["Min", "Max"].map((op) => [
      op,
      fc.tuple(broadcastPair, seeds).map(
        ([shapes, s]): Subject => ({
          shapes,
          draw: (r: Random) => r.normal() * 10,
          step: 1e-4,
          type: "float64" as const,
          seed: s,
          build: apply(op),
        }),
      ),
    ]),
  ),
  Gemm: fc
    .record({
      m: size,
      k: size,
      n: size,
      ta: fc.boolean(),
      tb: fc.boolean(),
      alpha: fc.constantFrom(1, 0.5),
      beta: fc.constantFrom(1, 2),
      bias: fc.constantFrom("none", "scalar", "row", "column", "full"),
    })
    .map(({ m, k, n, ta, tb, alpha, beta, bias }): Subject => {
      const c = {
        none: undefined,
        scalar: [],
        row: [n],
        column: [m, 1],
        full: [m, n],
      }[bias];
      return {
        shapes: [ta ? [k, m] : [m, k], tb ? [n, k] : [k, n], ...(c ? [c] : [])],
        ...double,
        build: apply("Gemm", {
          transA: int(+ta),
          transB: int(+tb),
          alpha: float(alpha),
          beta: float(beta),
        }),
      };
    }),
  MatMul: fc.oneof(
    fc.record({ m: size, k: size, n: size, batch: broadcastPair }).map(
      ({ m, k, n, batch: [p = [], q = []] }): Subject => ({
        shapes: [
          [...p, m, k],
          [...q, k, n],
        ],
        ...double,
        build: apply("MatMul"),
      }),
    ),
    fc
      .record({
        m: size,
        k: size,
        n: size,
        lead: fc.array(size, { maxLength: 2 }),
      })
      .map(
        ({ m, k, n, lead }): Subject => ({
          shapes: [
            [...lead, m, k],
            [k, n],
          ],
          ...double,
          build: apply("MatMul"),
        }),
      ),
    fc
      .record({
        k: size,
        other: fc.array(size, { maxLength: 2 }),
        left: fc.boolean(),
      })
      .map(
        ({ k, other, left }): Subject => ({
          shapes: left ? [[k], [...other, k, 3]] : [[...other, 2, k], [k]],
          ...double,
          build: apply("MatMul"),
        }),
      ),
    size.map(
      (k): Subject => ({
        shapes: [[k], [k]],
        ...double,
        build: apply("MatMul"),
      }),
    ),
  ),
  Reshape: fc.constantFrom([0, -1], [-1, 2, 3], [4, 3, 2], [-1]).map(
    (target): Subject => ({
      shapes: [[4, 3, 2]],
      ...double,
      build: (b, [x = ""]) => b.reshape(x, target),
    }),
  ),
  Flatten: fc.integer({ min: -3, max: 3 }).map(
    (axis): Subject => ({
      shapes: [[2, 3, 4]],
      ...double,
      build: apply("Flatten", { axis: int(axis) }),
    }),
  ),
  Squeeze: fc.constantFrom([0], [-2], [0, 2], undefined).map(
    (axes): Subject => ({
      shapes: [[1, 3, 1, 2]],
      ...double,
      build: (b, [x = ""]) =>
        axes ? b.squeeze(x, axes) : b.op("Squeeze", [x]),
    }),
  ),
  Unsqueeze: fc.constantFrom([0], [-1], [1, 3]).map(
    (axes): Subject => ({
      shapes: [[3, 2]],
      ...double,
      build: (b, [x = ""]) => b.unsqueeze(x, axes),
    }),
  ),
  Transpose: fc
    .option(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), {
      nil: undefined,
    })
    .map(
      (perm): Subject => ({
        shapes: [[1, 2, 3, 4]],
        ...double,
        build: apply("Transpose", perm ? { perm: ints(perm) } : {}),
      }),
    ),
  Concat: fc
    .record({
      axis: fc.integer({ min: -3, max: 2 }),
      sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
    })
    .map(
      ({ axis, sizes }): Subject => ({
        shapes: sizes.map((s) =>
          [2, 3, 4].map((d, i) => (i === (axis + 3) % 3 ? s : d)),
        ),
        ...double,
        build: apply("Concat", { axis: int(axis) }),
      }),
    ),
  Split: fc.constantFrom([1, 2, 3], [2, 4], undefined).chain((sizes) =>
    fc.nat(2).map(
      (used): Subject => ({
        shapes: [[2, 6]],
        ...double,
        build: (b, [x = ""]) => {
          const parts = b.many(
            "Split",
            sizes ? [x, b.ints(sizes)] : [x],
            sizes ? { axis: int(1) } : { axis: int(-1), num_outputs: int(3) },
            sizes?.length ?? 3,
          );
          // Only some outputs are used: the others have no gradient.
          return b.mul(parts[used % parts.length]!, 3);
        },
      }),
    ),
  ),
  Slice: fc
    .constantFrom<[number[], number[], number[], number[]]>(
      [[1], [4], [0], [1]],
      [[0], [2 ** 31], [-1], [2]],
      [[-1], [-(2 ** 31)], [0], [-1]],
      [[4], [0], [1], [-2]],
      [
        [1, 2],
        [5, -1],
        [0, 1],
        [2, 1],
      ],
      [
        [-3, 0],
        [-1, 7],
        [1, 0],
        [1, 3],
      ],
    )
    .map(
      ([starts, ends, axes, steps]): Subject => ({
        shapes: [[5, 7]],
        ...double,
        build: (b, [x = ""]) => b.slice(x, starts, ends, axes, steps),
      }),
    ),
  Pad: fc.oneof(
    fc
      .record({
        pads: fc.array(fc.integer({ min: -1, max: 2 }), {
          minLength: 4,
          maxLength: 4,
        }),
        value: fc.boolean(),
      })
      .map(
        ({ pads, value }): Subject => ({
          shapes: [[3, 4], ...(value ? [[]] : [])],
          ...double,
          build: (b, [x = "", v = ""]) =>
            b.op("Pad", value ? [x, b.ints(pads), v] : [x, b.ints(pads)]),
        }),
      ),
    fc
      .record({
        mode: fc.constantFrom("reflect", "edge", "wrap"),
        pads: fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
      })
      .map(
        ({ mode, pads }): Subject => ({
          shapes: [[3, 4, 3]],
          ...linear,
          build: apply("Pad", { mode: string(mode) }, (b) => b.ints(pads)),
        }),
      ),
    fc.constantFrom([2], [-1, 0]).map(
      (axes): Subject => ({
        shapes: [[2, 3, 4]],
        ...double,
        build: (b, [x = ""]) =>
          b.op("Pad", [
            x,
            b.ints([...axes.map(() => 1), ...axes.map(() => 2)]),
            "",
            b.ints(axes),
          ]),
      }),
    ),
  ),
  Expand: broadcastPair.map(
    ([full = [], part = []]): Subject => ({
      shapes: [part],
      ...double,
      build: (b, [x = ""]) => b.expand(x, b.ints(full)),
    }),
  ),
  Tile: fc
    .array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 })
    .map(
      (times): Subject => ({
        shapes: [[2, 1, 3]],
        ...double,
        build: (b, [x = ""]) => b.op("Tile", [x, b.ints(times)]),
      }),
    ),
  Gather: fc
    .record({
      axis: fc.integer({ min: -3, max: 2 }),
      picks: fc.array(fc.integer({ min: -2, max: 1 }), {
        minLength: 1,
        maxLength: 6,
      }),
      rank: fc.nat(2),
    })
    .map(
      ({ axis, picks, rank }): Subject => ({
        shapes: [[2, 2, 2]],
        ...double,
        build: (b, [x = ""]) =>
          b.op(
            "Gather",
            [
              x,
              b.constant(
                int64s(
                  rank === 0 ? picks.slice(0, 1) : picks,
                  [[], [picks.length], [1, picks.length]][rank],
                ),
              ),
            ],
            { axis: int(axis) },
          ),
      }),
    ),
  GatherElements: fc
    .array(fc.integer({ min: -3, max: 2 }), { minLength: 6, maxLength: 6 })
    .map(
      (picks): Subject => ({
        shapes: [[3, 3]],
        ...double,
        build: (b, [x = ""]) =>
          b.op("GatherElements", [x, b.constant(int64s(picks, [2, 3]))], {
            axis: int(0),
          }),
      }),
    ),
  TopK: fc
    .record({
      axis: fc.constantFrom(0, 1, -1),
      k: fc.integer({ min: 1, max: 3 }),
      largest: fc.boolean(),
      s: seeds,
    })
    .map(
      ({ axis, k, largest, s }): Subject => ({
        shapes: [[3, 4]],
        ...kinked(s),
        type: "float64",
        build: (b, [x = ""]) =>
          b.many(
            "TopK",
            [x, b.ints([k])],
            { axis: int(axis), largest: int(+largest) },
            2,
          )[0]!,
      }),
    ),
  ...Object.fromEntries(
    [
      "ReduceSum",
      "ReduceMean",
      "ReduceSumSquare",
      "ReduceL1",
      "ReduceL2",
      "ReduceLogSumExp",
      "ReduceMax",
      "ReduceMin",
    ].map((op) => [
      op,
      fc.array(size, { minLength: 2, maxLength: 4 }).chain((dims) =>
        fc
          .record({
            axes: axesOf(dims.length),
            keep: fc.boolean(),
            noop: fc.boolean(),
            s: seeds,
          })
          .map(
            ({ axes, keep, noop, s }): Subject => ({
              shapes: [dims],
              // The kinks of L1 are at 0, those of the extrema at ties.
              ...(["ReduceL1", "ReduceMax", "ReduceMin"].includes(op)
                ? kinked(s)
                : double),
              build: (b, [x = ""]) =>
                b.op(op, axes ? [x, b.ints(axes)] : [x], {
                  keepdims: int(+keep),
                  ...(noop && op === "ReduceSum"
                    ? { noop_with_empty_axes: int(1) }
                    : {}),
                }),
            }),
          ),
      ),
    ]),
  ),
  Conv: fc.oneof(convolutions(), convolutions(true)),
  MaxPool: fc
    .record({
      k: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      pad: fc.boolean(),
      ceil: fc.boolean(),
      dilation: fc.integer({ min: 1, max: 2 }),
      s: seeds,
      oneD: fc.boolean(),
      named: fc.boolean(),
    })
    .map(({ k, stride, pad, ceil, dilation, s, oneD, named }): Subject => {
      const all = <T>(v: T) => (oneD ? [v] : [v, v]);
      const border = pad && k > 1 ? 1 : 0;
      return {
        shapes: [oneD ? [2, 2, 9] : [1, 2, 7, 6]],
        ...kinked(s),
        avoid: named ? [] : ["MaxPool indices"],
        build: apply("MaxPool", {
          kernel_shape: ints(all(k)),
          strides: ints(all(stride)),
          dilations: ints(all(dilation)),
          pads: ints([...all(border), ...all(border)]),
          ceil_mode: int(+ceil),
        }),
      };
    }),
  MaxUnpool: fc.tuple(fc.integer({ min: 1, max: 3 }), seeds).map(
    ([k, s]): Subject => ({
      shapes: [[2, 2, 3, 2]],
      ...linear,
      build: (b, [x = ""]) => {
        const random = new Random(s);
        const size = 24 * k * k;
        const from = b.constant(
          floats(
            [2, 2, 3 * k, 2 * k],
            Array.from({ length: size }, () => random.uniform()),
          ),
        );
        const window = { kernel_shape: ints([k, k]), strides: ints([k, k]) };
        const [, indices = ""] = b.many("MaxPool", [from], window, 2);
        const shape = b.ints([2, 2, 3 * k, 2 * k]);
        return b.op("MaxUnpool", [x, indices, shape], window);
      },
    }),
  ),
  AveragePool: fc
    .record({
      k: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      before: fc.nat(1),
      after: fc.nat(1),
      ceil: fc.boolean(),
      count: fc.boolean(),
      rank: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ k, stride, before, after, ceil, count, rank }): Subject => {
      const all = <T>(v: T) => new Array<T>(rank).fill(v);
      const border = (p: number) => Math.min(p, k - 1);
      return {
        shapes: [[2, 2, ...[7, 6, 5].slice(0, rank)]],
        ...linear,
        build: apply("AveragePool", {
          kernel_shape: ints(all(k)),
          strides: ints(all(stride)),
          pads: ints([...all(border(before)), ...all(border(after))]),
          ceil_mode: int(+ceil),
          count_include_pad: int(+count),
        }),
      };
    }),
  GlobalAveragePool: fc.array(size, { minLength: 3, maxLength: 5 }).map(
    (dims): Subject => ({
      shapes: [dims],
      ...linear,
      build: apply("GlobalAveragePool"),
    }),
  ),
  GlobalMaxPool: fc
    .tuple(fc.array(size, { minLength: 3, maxLength: 4 }), seeds)
    .map(
      ([dims, s]): Subject => ({
        shapes: [dims],
        ...kinked(s),
        build: apply("GlobalMaxPool"),
      }),
    ),
  ...Object.fromEntries(
    ["Tan", "Sinh", "Cosh", "Atan", "Asinh"].map((op) => [
      op,
      shape.map(
        (dims): Subject => ({
          shapes: [dims],
          step: 0.005,
          draw: (r) => r.uniform() - 0.5,
          build: apply(op),
        }),
      ),
    ]),
  ),
  ...Object.fromEntries(
    ["Asin", "Acos", "Atanh"].map((op) => [
      op,
      shape.map(
        (dims): Subject => ({
          shapes: [dims],
          step: 0.005,
          draw: (r) => 1.2 * r.uniform() - 0.6,
          build: apply(op),
        }),
      ),
    ]),
  ),
  Acosh: shape.map(
    (dims): Subject => ({
      shapes: [dims],
      step: 0.005,
      draw: (r) => 1.5 + r.uniform(),
      build: apply("Acosh"),
    }),
  ),
  ...Object.fromEntries(
    ["Softsign", "Mish", "Elu", "Celu", "Selu"].map((op) => [
      op,
      shape.map(
        (dims): Subject => ({
          shapes: [dims],
          step: 0.005,
          draw: (r) => Math.sign(r.uniform() - 0.5) * (0.1 + r.uniform()),
          build: apply(
            op,
            op === "Softsign" || op === "Mish" ? {} : { alpha: float(1.3) },
          ),
        }),
      ),
    ]),
  ),
  Gelu: fc.tuple(shape, fc.constantFrom("none", "tanh")).map(
    ([dims, approximate]): Subject => ({
      shapes: [dims],
      opset: 20,
      step: 0.005,
      build: apply("Gelu", { approximate: string(approximate) }),
    }),
  ),
  ...Object.fromEntries(
    ["HardSigmoid", "HardSwish", "ThresholdedRelu"].map((op) => [
      op,
      fc.tuple(shape, seeds).map(
        ([dims, s]): Subject => ({
          shapes: [dims],
          ...kinked(s),
          ...(op === "HardSwish" ? { tolerance: 1e-2 } : {}),
          // Bends at whole numbers, away from the values.
          build: apply(op, op === "HardSigmoid" ? { alpha: float(0.25) } : {}),
        }),
      ),
    ]),
  ),
  PRelu: fc
    .tuple(
      fc.constantFrom(
        [
          [2, 3, 4],
          [3, 1],
        ],
        [
          [2, 3],
          [2, 3],
        ],
        [[4], [1]],
      ),
      seeds,
    )
    .map(
      ([shapes, s]): Subject => ({
        shapes,
        ...kinked(s),
        build: apply("PRelu"),
      }),
    ),
  LayerNormalization: fc
    .record({ axis: fc.constantFrom(-1, 1, 2, -2), bias: fc.boolean() })
    .map(({ axis, bias }): Subject => {
      const dims = [2, 3, 4];
      const tail = dims.slice(axis < 0 ? axis + 3 : axis);
      return {
        shapes: [dims, tail, ...(bias ? [tail] : [])],
        step: 0.01,
        build: apply("LayerNormalization", {
          axis: int(axis),
          epsilon: float(1e-2),
        }),
      };
    }),
  InstanceNormalization: fc.constantFrom([2, 3, 5], [1, 2, 3, 4]).map(
    (dims): Subject => ({
      shapes: [dims, [dims[1] as number], [dims[1] as number]],
      step: 0.01,
      build: apply("InstanceNormalization", { epsilon: float(1e-2) }),
    }),
  ),
  GroupNormalization: fc
    .tuple(fc.constantFrom(1, 2, 4), fc.constantFrom(18, 21))
    .map(([groups, opset]): Subject => {
      const width = opset === 21 ? 4 : groups;
      return {
        shapes: [[2, 4, 3, 2], [width], [width]],
        opset,
        step: 0.01,
        build: apply("GroupNormalization", {
          num_groups: int(groups),
          epsilon: float(1e-2),
        }),
      };
    }),
  BatchNormalization: fc
    .array(size, { minLength: 2, maxLength: 4 })
    .map((dims): Subject => {
      const c = dims[1]!;
      const stats = (from: number) =>
        constant({
          type: "float64",
          dims: [c],
          data: Float64Array.from({ length: c }, (_, i) => from + 0.3 * i),
        });
      return {
        shapes: [dims, [c], [c]],
        ...double,
        build: apply(
          "BatchNormalization",
          { epsilon: float(1e-3) },
          stats(0.2),
          stats(1),
        ),
      };
    }),
};

/** Convolutions of one and two dimensions, with groups and every kind of border. */
function convolutions(depthwise = false): fc.Arbitrary<Subject> {
  return fc
    .record({
      rank: fc.constantFrom(1, 2, 2, 2),
      n: fc.integer({ min: 1, max: 2 }),
      groups: depthwise
        ? fc.integer({ min: 2, max: 4 })
        : fc.constantFrom(1, 1, 2),
      perGroup: depthwise ? fc.constant(1) : fc.constantFrom(1, 2, 5),
      filters: depthwise ? fc.constant(1) : fc.integer({ min: 1, max: 3 }),
      kernel: fc.array(fc.integer({ min: 1, max: 3 }), {
        minLength: 2,
        maxLength: 2,
      }),
      strides: fc.array(fc.integer({ min: 1, max: 3 }), {
        minLength: 2,
        maxLength: 2,
      }),
      dilations: fc.array(fc.integer({ min: 1, max: 2 }), {
        minLength: 2,
        maxLength: 2,
      }),
      pads: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
      auto: fc.constantFrom(
        undefined,
        undefined,
        "SAME_UPPER",
        "SAME_LOWER",
        "VALID",
      ),
      bias: fc.boolean(),
      open: fc.boolean(),
    })
    .map(
      ({
        rank,
        n,
        groups,
        perGroup,
        filters,
        kernel,
        strides,
        dilations,
        pads,
        auto,
        bias,
        open,
      }): Subject => {
        const spatial = [8, 7].slice(0, rank);
        const k = kernel.slice(0, rank);
        // onnxruntime refuses automatic padding with dilation.
        const d = auto?.startsWith("SAME")
          ? k.map(() => 1)
          : dilations.slice(0, rank);
        const m = groups * filters;
        const x = [n, groups * perGroup, ...spatial];
        const shapes = [x, [m, perGroup, ...k], ...(bias ? [[m]] : [])];
        const border: Attributes = auto
          ? { auto_pad: string(auto) }
          : {
              pads: ints([...pads.slice(0, rank), ...pads.slice(2, 2 + rank)]),
            };
        return {
          shapes,
          ...(open
            ? { declared: [["batch", ...x.slice(1)], ...shapes.slice(1)] }
            : {}),
          ...bilinear,
          build: apply("Conv", {
            strides: ints(strides.slice(0, rank)),
            dilations: ints(d),
            group: int(groups),
            ...border,
          }),
        };
      },
    );
}
