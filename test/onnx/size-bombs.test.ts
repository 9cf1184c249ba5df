import fc from "fast-check";
import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  type Attributes,
  emptyGraph,
  floats,
  GraphBuilder,
  int,
  int64s,
  ints,
  normalise,
  type Tensor,
} from "#onnx";

/** One node over x [batch, 1, 4, 4] and constants that tell it how much to make. */
function graphOf(op: string, constants: Tensor[], attributes: Attributes = {}) {
  const b = new GraphBuilder(emptyGraph("bomb"));
  const x = { name: "x", type: "float32", dims: ["batch", 1, 4, 4] } as const;
  b.input(x);
  const bare = ["ConstantOfShape", "Range"].includes(op);
  const given = constants.map((c) => b.constant(c));
  return b.build([b.op(op, bare ? given : ["x", ...given], attributes)]);
}

const scalar = (value: number) => int64s([value], []);
const huge = fc.integer({ min: 2 ** 32, max: 2 ** 52 });

test.each<[string, (n: number) => ReturnType<typeof graphOf>]>([
  ["ConstantOfShape", (n) => graphOf("ConstantOfShape", [int64s([n])])],
  ["Expand", (n) => graphOf("Expand", [int64s([n, 1, 4, 4])])],
  ["Tile", (n) => graphOf("Tile", [int64s([1, 1, n, 1])])],
  ["Range", (n) => graphOf("Range", [scalar(0), scalar(n), scalar(1)])],
  ["Pad", (n) => graphOf("Pad", [int64s([0, 0, n, 0, 0, 0, 0, n])])],
  ["Pad away", (n) => graphOf("Pad", [int64s([0, 0, -n, 0, 0, 0, 0, 0])])],
  [
    "DepthToSpace",
    (n) => graphOf("DepthToSpace", [], { blocksize: int(n % 2 ? 0 : n) }),
  ],
  [
    "MaxPool",
    (n) =>
      graphOf("MaxPool", [], {
        kernel_shape: ints([2, 2]),
        pads: ints([n, n, n, n]),
      }),
  ],
])("sizes that no value can have are refused at once: %s", async (_, graph) => {
  await fc.assert(
    fc.asyncProperty(huge, async (n) => {
      await expect(onnxruntime.load(graph(n))).rejects.toThrow(
        /bomb: .* (gives the shape|among its pads)/,
      );
    }),
    { numRuns: 20 },
  );
});

test.each([1e5, -2, Number.NaN, Number.POSITIVE_INFINITY])(
  "a scale of %d is refused before anything is resized",
  async (scale) => {
    const b = new GraphBuilder(emptyGraph("bomb"));
    b.input({ name: "x", type: "float32", dims: ["batch", 1, 4, 4] });
    const scales = b.constant(floats([4], Float32Array.of(1, 1, scale, scale)));
    const graph = b.build([b.op("Resize", ["x", "", scales])]);
    await expect(onnxruntime.load(graph)).rejects.toThrow(
      /bomb: Resize ".*" gives the shape/,
    );
  },
);

test("a window that does not fit is refused where its weight is computed", async () => {
  const b = new GraphBuilder(emptyGraph("bomb"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, 4, 4] });
  const weight = b.op("ConstantOfShape", [b.constant(int64s([1, 1, 3, 3]))]);
  const conv = (attributes: Attributes) => {
    const here = new GraphBuilder(b.build([]));
    return here.build([here.op("Conv", ["x", weight], attributes)]);
  };
  await expect(
    onnxruntime.load(
      conv({ kernel_shape: ints([90, 90]), pads: ints([90, 90, 90, 90]) }),
    ),
  ).rejects.toThrow(/kernel_shape \[90, 90\], its weight \[3, 3\]/);
  await expect(onnxruntime.load(conv({ group: int(0) }))).rejects.toThrow(
    /0 groups/,
  );
});

const follow = fc.constantFrom(2 ** 31, 2 ** 33, 2 ** 40, 2 ** 52);

test.each<[string, (n: number) => ReturnType<typeof graphOf>]>([
  [
    "Slice",
    (n) =>
      graphOf(
        "Slice",
        [0, n, 2, 1].map((v) => int64s([v])),
      ),
  ],
  ["Split", (n) => graphOf("Split", [int64s([n, n])], { axis: int(2) })],
  ["Reshape to a rank", (n) => reshapedTo(n)],
  ["ConstantOfShape", (n) => graphOf("ConstantOfShape", [int64s([-1, n, -n])])],
])("contents are not followed as far as a file says: %s", (_, graph) => {
  fc.assert(
    fc.property(follow, (n) => {
      expect(normalise(graph(n)).nodes.length).toBeGreaterThan(0);
    }),
  );
});

/** A Reshape to as many dimensions as an input says. */
function reshapedTo(rank: number) {
  const b = new GraphBuilder(emptyGraph("bomb"));
  b.input({ name: "x", type: "float32", dims: [rank] });
  b.input({ name: "to", type: "int64", dims: [rank] });
  return b.build([b.op("Reshape", ["x", "to"])]);
}
