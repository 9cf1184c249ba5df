import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  type Attributes,
  emptyGraph,
  floats,
  GraphBuilder,
  int,
  ints,
  sizeOf,
  string,
  type Tensor,
  tensor,
} from "#onnx";
import { runs } from "../runs.ts";

type Build = (b: GraphBuilder, x: string) => string;

/** dy/dx of a graph, for the given weights of the elements of y; and y. */
async function slope(
  x: Tensor,
  build: Build,
  seed = 3,
): Promise<{ g: number[]; y: number[] }> {
  const b = new GraphBuilder({
    ...emptyGraph("quantised"),
    opsets: new Map([["", 21]]),
  });
  b.input({ name: "x", type: x.type, dims: x.dims });
  const y = build(b, "x");
  const graph = b.build([y]);
  const plain = await onnxruntime.load(graph);
  const at = (await plain.run({ x }))[y]!;
  await plain.release();
  const random = new Random(seed);
  const weights = floats(
    at.dims,
    Array.from({ length: sizeOf(at.dims) }, () => random.normal()),
  );
  const seeded = new GraphBuilder(graph);
  seeded.input({ name: "weights", type: "float32", dims: at.dims });
  const result = gradient(seeded.build([y]), {
    of: y,
    wrt: ["x"],
    seed: "weights",
  });
  const session = await onnxruntime.load(result.graph);
  const out = await session.run({ x, weights });
  await session.release();
  const g = out[result.gradients.get("x") as string]!;
  expect(g.dims).toEqual(x.dims);
  return {
    g: Array.from(g.data as Float32Array),
    y: Array.from(at.data as Float32Array),
  };
}

const int8 = (dims: readonly number[], values: readonly number[]) =>
  tensor("int8", dims, Int8Array.from(values));

/** Quantises, does something with the integers, and dequantises by the same scale. */
const between =
  (inside: Build, scale = 0.05, type: "int8" | "uint8" = "int8"): Build =>
  (b, x) => {
    const s = b.scalar(scale);
    const z = b.scalar(type === "int8" ? 10 : 138, type);
    const q = inside(b, b.op("QuantizeLinear", [x, s, z]));
    return b.op("DequantizeLinear", [q, s, z]);
  };

const close = (seen: readonly number[], wanted: readonly number[]) => {
  expect(seen).toHaveLength(wanted.length);
  seen.forEach((v, i) => {
    expect(v).toBeCloseTo(wanted[i]!, 5);
  });
};

const identity: Build = (_b, x) => x;
const apply =
  (
    op: string,
    attributes: Attributes = {},
    ...more: ((b: GraphBuilder) => string)[]
  ): Build =>
  (b, x) =>
    b.op(op, [x, ...more.map((m) => m(b))], attributes);

describe("a pair of QuantizeLinear and DequantizeLinear", () => {
  test("passes the gradient within its range, and none outside", async () => {
    // Levels -128 to 127 around 10 by 0.5: -69 to 58.5, and half a step more.
    const edges = [-70, -69.3, -69.24, -69, 0, 0.2, 58.5, 58.74, 58.8, 100];
    const { g } = await slope(
      floats([10], edges),
      (b, x) => b.mul(between(identity, 0.5)(b, x), 3),
      1,
    );
    const { g: free } = await slope(
      floats([10], edges),
      (b, x) => b.mul(x, 3),
      1,
    );
    const inside = edges.map((e) => e > -69.25 && e < 58.75);
    close(
      g,
      free.map((v, i) => (inside[i] ? v : 0)),
    );
  });

  test("is the same graph without the pair, whatever is around it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.integer({ min: -3, max: 2 }),
        fc.constantFrom("int8", "uint8", "int16", "uint16"),
        fc.constantFrom("tensor", "axis", "blocks"),
        fc.nat(1e6),
        async (dims, wanted, type, layout, seed) => {
          const axis = Math.min(
            Math.max(wanted, -dims.length),
            dims.length - 1,
          );
          const at = axis < 0 ? axis + dims.length : axis;
          // A single block is no block for onnxruntime.
          const blocks =
            layout === "blocks" &&
            dims.length > 1 &&
            sizeOf(dims) > Math.min(2, dims[at]!);
          const scaleDims = blocks
            ? dims.map((d, i) => (i === at ? Math.ceil(d / 2) : d))
            : layout === "axis"
              ? [dims[at]!]
              : [];
          const attributes: Attributes = {
            axis: int(axis),
            ...(blocks ? { block_size: int(2) } : {}),
          };
          const random = new Random(seed);
          const x = floats(
            dims,
            Array.from({ length: sizeOf(dims) }, () => random.normal()),
          );
          const pair: Build = (b, v) => {
            const count = sizeOf(scaleDims);
            const scale = b.constant(
              floats(
                scaleDims,
                Array.from({ length: count }, (_, i) => 0.1 + 0.01 * i),
              ),
            );
            const middle = type.startsWith("u") ? 120 : 0;
            const zero = b.cast(
              b.constant(
                tensor(
                  "int32",
                  scaleDims,
                  Int32Array.from({ length: count }, (_, i) => middle + i),
                ),
              ),
              type as "int8",
            );
            const q = b.op("QuantizeLinear", [v, scale, zero], attributes);
            return b.op("DequantizeLinear", [q, scale, zero], attributes);
          };
          const twice: Build = (b, v) => b.mul(v, 2);
          const { g } = await slope(x, (b, v) => twice(b, pair(b, v)), seed);
          const { g: free } = await slope(x, twice, seed);
          close(g, free);
        },
      ),
      runs(25),
    );
  });

  test("teaches its scale what rounding and saturation cost (learned step size)", async () => {
    const x = [0.12, -0.27, 0.9, 30, -30];
    const step = 0.1;
    const { g } = await slope(
      floats([1], [step]),
      (b, scale) => {
        const zero = b.constant(int8([1], [0]));
        const value = b.constant(floats([5], x));
        const q = b.op("QuantizeLinear", [value, scale, zero]);
        return b.reduceSum(b.op("DequantizeLinear", [q, scale, zero]));
      },
      5,
    );
    const weight = new Random(5).normal();
    const levels = x.map((v) =>
      Math.abs(v / step) < 127
        ? Math.round(v / step) - v / step
        : v > 0
          ? 127
          : -128,
    );
    expect(g[0]).toBeCloseTo(weight * levels.reduce((sum, l) => sum + l, 0), 3);
  });
});

/** What may stand between the two. Values that are a step apart do not tie. */
const moves: [what: string, inside: Build, onFloats?: Build][] = [
  ["Reshape", (b, x) => b.reshape(x, [4, 6])],
  ["Flatten", apply("Flatten", { axis: int(2) })],
  ["Transpose", (b, x) => b.transpose(x, [3, 1, 0, 2])],
  ["Squeeze", (b, x) => b.squeeze(x, [0])],
  ["Unsqueeze", (b, x) => b.unsqueeze(x, [1])],
  ["Identity", apply("Identity")],
  ["MaxPool", apply("MaxPool", { kernel_shape: ints([2, 2]) })],
  [
    "MaxPool of windows apart",
    apply("MaxPool", { kernel_shape: ints([3, 2]), strides: ints([3, 2]) }),
  ],
  ["Concat", (b, x) => b.concat([x, b.transpose(x, [0, 1, 2, 3])], 1)],
  [
    "Concat of parts",
    (b, x) => {
      const [one = "", two = ""] = b.many(
        "Split",
        [x],
        { axis: int(3), num_outputs: int(2) },
        2,
      );
      return b.concat([two, one, one], 3);
    },
  ],
  [
    "Split, of which one part is used",
    (b, x) => b.many("Split", [x, b.ints([1, 2])], { axis: int(2) }, 2)[1]!,
  ],
  ["Slice", (b, x) => b.slice(x, [2, -1], [0, -9], [2, 3], [-1, -2])],
  ["Slice of nothing", (b, x) => b.concat([b.slice(x, [1], [1], [2]), x], 2)],
  [
    "Gather",
    (b, x) => b.op("Gather", [x, b.ints([0, -1, 0])], { axis: int(2) }),
  ],
  [
    "GatherND",
    (b, x) =>
      b.op("GatherND", [b.squeeze(x, [0]), b.unsqueeze(b.ints([1, 1]), [1])]),
  ],
  [
    "GatherElements",
    (b, x) => b.op("GatherElements", [b.reshape(x, [24]), b.ints([3, 3, -1])]),
  ],
  [
    "ScatterElements",
    (b, x) => {
      const flat = b.reshape(x, [24]);
      const part = b.slice(flat, [5], [7], [0]);
      return b.op("ScatterElements", [flat, b.ints([1, -1]), part]);
    },
  ],
  [
    "ScatterND",
    (b, x) => {
      const flat = b.reshape(x, [6, 4]);
      const part = b.slice(flat, [2], [4], [0]);
      const at = b.unsqueeze(b.ints([0, 5]), [1]);
      return b.op("ScatterND", [flat, at, part]);
    },
  ],
  ["Expand", (b, x) => b.expand(x, b.ints([3, 2, 3, 4]))],
  ["Tile", (b, x) => b.op("Tile", [x, b.ints([2, 1, 1, 2])])],
  ["Pad", (b, x) => b.pad(x, [0, 0, 1, -1], [0, 1, 0, 0])],
  [
    "Compress",
    (b, x) =>
      b.op(
        "Compress",
        [x, b.constant(tensor("bool", [3], Uint8Array.of(1, 0, 1)))],
        { axis: int(2) },
      ),
  ],
  [
    "ReverseSequence",
    (b, x) =>
      b.op("ReverseSequence", [b.squeeze(x, [0]), b.ints([1, 2, 1])], {
        batch_axis: int(1),
        time_axis: int(0),
      }),
  ],
  [
    "Resize",
    (b, x) =>
      b.op("Resize", [x, "", b.constant(floats([4], [1, 1, 2, 2]))], {
        mode: string("nearest"),
        coordinate_transformation_mode: string("asymmetric"),
        nearest_mode: string("floor"),
      }),
  ],
  [
    "SpaceToDepth",
    (b, x) =>
      b.op("SpaceToDepth", [b.reshape(x, [1, 1, 6, 4])], { blocksize: int(2) }),
  ],
  [
    "DepthToSpace",
    (b, x) =>
      b.op("DepthToSpace", [b.reshape(x, [1, 4, 3, 2])], { blocksize: int(2) }),
  ],
  [
    "Where",
    (b, x) => {
      const mask = b.constant(tensor("bool", [4], Uint8Array.of(1, 0, 0, 1)));
      const other = b.slice(x, [-1], [-9], [3], [-1]);
      return b.op("Where", [mask, x, other]);
    },
  ],
  [
    "Cast to a wider integer",
    (b, x) => b.cast(b.cast(x, "int32"), "int8"),
    identity,
  ],
];

describe("integers between the two carry the gradient through", () => {
  const both = (["int8", "uint8"] as const).flatMap((type) =>
    moves
      // onnxruntime has no Where of int8, and the Cast is back to int8.
      .filter(([what]) => !what.startsWith(type === "int8" ? "Where" : "Cast"))
      .map(([what, inside, onFloats = inside]) => ({
        type,
        what,
        inside,
        onFloats,
      })),
  );
  test.each(both)("$type: $what", async ({ type, what, inside, onFloats }) => {
    const random = new Random(4);
    const order = random.permutation(24);
    // Whole steps apart, so that rounding changes no order.
    const x = floats(
      [1, 2, 3, 4],
      order.map((v) => 0.2 * (v - 12)),
    );
    const { g, y } = await slope(x, between(inside, 0.05, type));
    const { g: wanted, y: plain } = await slope(x, onFloats);
    close(g, wanted);
    // Padding is by 0, which is not the zero point.
    if (what !== "Pad") close(y, plain);
    expect(g.some((v) => v !== 0)).toBe(true);
  });

  test("but not through arithmetic, which is refused by name", () => {
    const b = new GraphBuilder(emptyGraph("g"));
    b.input({ name: "x", type: "float32", dims: [4] });
    const y = between((c, q) =>
      c.cast(
        c.op(
          "Mul",
          [
            c.cast(q, "int32"),
            c.constant(tensor("int32", [], Int32Array.of(2))),
          ],
          {},
          "double",
        ),
        "int8",
      ),
    )(b, "x");
    expect(() => gradient(b.build([y]), { of: y, wrt: ["x"] })).toThrow(
      expect.objectContaining({
        code: "GRADIENT_UNSUPPORTED",
        message: expect.stringMatching(/Mul "double".*integers/),
      }),
    );
  });

  test("and a comparison of them stops it, which the message says", () => {
    const b = new GraphBuilder(emptyGraph("g"));
    b.input({ name: "x", type: "float32", dims: [4] });
    const q = b.op("QuantizeLinear", [
      "x",
      b.scalar(1),
      b.constant(int8([], [0])),
    ]);
    const y = b.mask(
      b.op("Greater", [q, b.constant(int8([], [1]))], {}, "above"),
      "x",
    );
    expect(() => gradient(b.build([y]), { of: y, wrt: ["x"] })).toThrow(
      /Greater "above"/,
    );
  });
});

test("a dynamically quantised layer has the slope of the float layer", async () => {
  const random = new Random(8);
  const x = floats(
    [3, 5],
    Array.from({ length: 15 }, () => random.normal()),
  );
  const w = Int8Array.from({ length: 20 }, () =>
    Math.round(127 * (2 * random.uniform() - 1)),
  );
  const scale = 0.02;
  const integers: Build = (b, v) => {
    const [q = "", s = "", zero = ""] = b.many(
      "DynamicQuantizeLinear",
      [v],
      {},
      3,
    );
    const sums = b.op("MatMulInteger", [
      q,
      b.constant(tensor("int8", [5, 4], w)),
      zero,
      b.constant(int8([], [3])),
    ]);
    return b.mul(b.cast(sums, "float32"), b.mul(s, scale));
  };
  const plain: Build = (b, v) =>
    b.matmul(
      v,
      b.constant(
        floats(
          [5, 4],
          Array.from(w, (value) => (value - 3) * scale),
        ),
      ),
    );
  const { g, y } = await slope(x, integers);
  const { g: wanted, y: near } = await slope(x, plain);
  close(g, wanted);
  y.forEach((v, i) => {
    expect(Math.abs(v - near[i]!)).toBeLessThan(0.15);
  });
});
