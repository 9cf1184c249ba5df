import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  type Dim,
  divide,
  emptyGraph,
  filled,
  GraphBuilder,
  int,
  int64s,
  multiply,
} from "#onnx";

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
