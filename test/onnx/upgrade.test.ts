import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { Random } from "#core";
import {
  type Attributes,
  emptyGraph,
  encodeModel,
  float,
  floats,
  type Graph,
  int,
  int64s,
  ints,
  normalise,
  string,
  type Tensor,
} from "#onnx";
import { upgrades } from "../../src/onnx/upgrade.ts";

const random = new Random(1);
const X = floats(
  [2, 3, 4, 5],
  Array.from({ length: 120 }, () => random.normal()),
);
const M = floats(
  [2, 6],
  Array.from({ length: 12 }, () => random.normal()),
);
const channels = (value: number) => floats([3], [value, value + 1, value + 2]);

interface Case {
  op: string;
  opset: number;
  attributes?: Attributes;
  x?: Tensor;
  more?: Tensor[];
  outputs?: number;
}

const cases: Case[] = [
  {
    op: "Squeeze",
    opset: 11,
    attributes: { axes: ints([0, -1]) },
    x: floats([1, 3, 2, 1], [1, 2, 3, 4, 5, 6]),
  },
  { op: "Unsqueeze", opset: 11, attributes: { axes: ints([0, 3]) }, x: M },
  {
    op: "ReduceSum",
    opset: 11,
    attributes: { axes: ints([1, -1]), keepdims: int(0) },
  },
  { op: "ReduceSum", opset: 11 },
  {
    op: "Scatter",
    opset: 10,
    attributes: { axis: int(1) },
    x: M,
    more: [int64s([1, 3], [1, 2]), floats([1, 2], [7, 8])],
  },
  { op: "ReduceMean", opset: 13, attributes: { axes: ints([2, 3]) } },
  {
    op: "ReduceMax",
    opset: 12,
    attributes: { axes: ints([1]), keepdims: int(0) },
  },
  { op: "ReduceMin", opset: 13, attributes: { axes: ints([0]) } },
  { op: "ReduceProd", opset: 11, attributes: { axes: ints([3]) } },
  { op: "ReduceL1", opset: 11, attributes: { axes: ints([3]) } },
  { op: "ReduceL2", opset: 13, attributes: { axes: ints([-2]) } },
  {
    op: "ReduceLogSum",
    opset: 11,
    attributes: { axes: ints([3]) },
    x: floats([1, 1, 1, 3], [1, 2, 3]),
  },
  { op: "ReduceLogSumExp", opset: 11, attributes: { axes: ints([3]) } },
  { op: "ReduceSumSquare", opset: 11, attributes: { axes: ints([3]) } },
  {
    op: "Split",
    opset: 11,
    attributes: { axis: int(1), split: ints([1, 2]) },
    outputs: 2,
  },
  { op: "Split", opset: 11, attributes: { axis: int(2) }, outputs: 2 },
  { op: "Split", opset: 13, attributes: { axis: int(2) }, outputs: 2 },
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((op): Case[] => [
    { op, opset: 11 },
    { op, opset: 11, attributes: { axis: int(2) } },
    { op, opset: 11, attributes: { axis: int(3) } },
    { op, opset: 9, x: M },
    { op, opset: 13, attributes: { axis: int(1) } },
  ]),
  { op: "Clip", opset: 7, attributes: { min: float(-0.5), max: float(0.25) } },
  { op: "Clip", opset: 10, attributes: { max: float(0.25) } },
  {
    op: "Pad",
    opset: 10,
    attributes: { pads: ints([0, 0, 1, 2, 0, 0, 0, 1]), value: float(3) },
  },
  {
    op: "Pad",
    opset: 9,
    attributes: {
      pads: ints([0, 0, 1, 2, 0, 0, 0, 1]),
      mode: string("reflect"),
    },
  },
  {
    op: "Slice",
    opset: 9,
    attributes: {
      starts: ints([1, 0]),
      ends: ints([9, -1]),
      axes: ints([1, 3]),
    },
  },
  {
    op: "Slice",
    opset: 9,
    attributes: { starts: ints([0, 1]), ends: ints([1, 3]) },
  },
  { op: "TopK", opset: 9, attributes: { k: int(2), axis: int(3) }, outputs: 2 },
  { op: "Dropout", opset: 10, attributes: { ratio: float(0.9) } },
  {
    op: "BatchNormalization",
    opset: 9,
    more: [channels(1), channels(2), channels(0), channels(1)],
  },
  {
    op: "BatchNormalization",
    opset: 7,
    attributes: { spatial: int(1) },
    more: [channels(1), channels(2), channels(0), channels(1)],
  },
  {
    op: "Upsample",
    opset: 7,
    attributes: {
      scales: { kind: "floats", value: [1, 1, 2, 3] },
      mode: string("nearest"),
    },
  },
  {
    op: "Upsample",
    opset: 9,
    attributes: { mode: string("linear") },
    more: [floats([4], [1, 1, 2, 2])],
  },
  {
    op: "Resize",
    opset: 10,
    attributes: { mode: string("nearest") },
    more: [floats([4], [1, 1, 2, 0.5])],
  },
  {
    op: "Resize",
    opset: 10,
    attributes: { mode: string("linear") },
    more: [floats([4], [1, 1, 1.5, 2])],
  },
  { op: "Cast", opset: 9, attributes: { to: int(6) } },
];

function graphOf({
  op,
  opset,
  attributes = {},
  x = X,
  more = [],
  outputs = 1,
}: Case): Graph {
  const extra = more.map((t, i) => [`extra${i}`, t] as const);
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const type = op === "Cast" ? "int32" : "float32";
  return {
    ...emptyGraph(op),
    inputs: [{ name: "x", type: x.type, dims: x.dims }],
    constants: new Map(extra),
    nodes: [
      {
        name: op,
        op,
        domain: "",
        inputs: ["x", ...extra.map(([n]) => n)],
        outputs: names,
        attributes,
      },
    ],
    outputs: names.map((name, i) => ({
      name,
      type: op === "TopK" && i === 1 ? ("int64" as const) : (type as "float32"),
    })),
    opsets: new Map([["", opset]]),
  };
}

async function run(graph: Graph, x: Tensor) {
  const session = await ort.InferenceSession.create(encodeModel(graph), {
    logSeverityLevel: 3,
  });
  const out = await session.run({
    x: new ort.Tensor(x.type as "float32", x.data as Float32Array, x.dims),
  });
  return Object.fromEntries(
    Object.entries(out).map(([name, t]) => [
      name,
      {
        dims: [...t.dims],
        data: Array.from(t.data as ArrayLike<number>, Number),
      },
    ]),
  );
}

test.each(
  cases.map(
    (c) =>
      [
        `${c.op} of opset ${c.opset} ${JSON.stringify(Object.values(c.attributes ?? {}).map((a) => a.value))}`,
        c,
      ] as const,
  ),
)("%s computes the same at opset 18", async (_name, one) => {
  const old = graphOf(one);
  const upgraded = normalise(old);
  expect(upgraded.opsets.get("")).toBe(18);
  const before = await run(old, one.x ?? X);
  const after = await run(upgraded, one.x ?? X);
  for (const [name, { dims, data }] of Object.entries(before)) {
    expect(after[name]?.dims).toEqual(dims);
    for (const [i, v] of data.entries())
      expect(after[name]?.data[i]).toBeCloseTo(v, 5);
  }
});

/** Meanings that newer opsets cannot say. */
const refusals: Case[] = [
  { op: "Scan", opset: 8 },
  {
    op: "BatchNormalization",
    opset: 7,
    attributes: { spatial: int(0) },
    more: [channels(1), channels(2), channels(0), channels(1)],
  },
];

test.each(refusals)("$op of opset $opset is refused by name", (one) => {
  expect(() => normalise(graphOf(one))).toThrow(one.op);
});

test("every upgrade has a case", () => {
  const seen = new Set([...cases, ...refusals].map((c) => c.op));
  expect(Object.keys(upgrades).filter((op) => !seen.has(op))).toEqual([]);
});

test("Constant nodes become constants, whatever they hold", () => {
  const node = (i: number, attributes: Attributes) => ({
    name: "",
    op: "Constant",
    domain: "",
    inputs: [],
    outputs: [`c${i}`],
    attributes,
  });
  const kinds: Attributes[] = [
    { value: { kind: "tensor", value: floats([2], [1, 2]) } },
    { value_float: float(1.5) },
    { value_floats: { kind: "floats", value: [1, 2] } },
    { value_int: int(3) },
    { value_ints: ints([4, 5]) },
    { value_string: string("s") },
    { value_strings: { kind: "strings", value: ["a", "b"] } },
  ];
  const { nodes, constants } = normalise({
    ...emptyGraph("g"),
    nodes: kinds.map((a, i) => node(i, a)),
  });
  expect(nodes).toEqual([]);
  expect(
    [...constants.values()].map((t) => [
      t.type,
      t.dims.length,
      Array.from(t.data as ArrayLike<unknown>),
    ]),
  ).toEqual([
    ["float32", 1, [1, 2]],
    ["float32", 0, [1.5]],
    ["float32", 1, [1, 2]],
    ["int64", 0, [3n]],
    ["int64", 1, [4n, 5n]],
    ["string", 0, ["s"]],
    ["string", 1, ["a", "b"]],
  ]);
});
