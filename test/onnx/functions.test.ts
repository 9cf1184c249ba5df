import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  decodeModel,
  emptyGraph,
  encodeModel,
  float,
  floats,
  type Graph,
  type LocalFunction,
  type Node,
  normalise,
} from "#onnx";

const node = (
  op: string,
  inputs: string[],
  outputs: string[],
  rest: Partial<Node> = {},
): Node => ({
  name: outputs[0] ?? op,
  op,
  domain: "",
  inputs,
  outputs,
  attributes: {},
  ...rest,
});

/**
 * y = LeakyRelu(x; alpha of the call) + t, where t is made inside under a name that
 * the graph uses too.
 */
const leaky: LocalFunction = {
  name: "Leaky",
  domain: "my.own",
  inputs: ["x"],
  outputs: ["y"],
  defaults: { slope: float(0.5) },
  nodes: [
    node("Neg", ["x"], ["t"]),
    node("LeakyRelu", ["t"], ["u"], {
      attributes: { alpha: { kind: "reference", value: "slope" } },
    }),
    node("Add", ["u", "t"], ["y"]),
  ],
  opsets: new Map([["", 18]]),
};

/** Two calls of Leaky, one inside the other. */
const twice: LocalFunction = {
  ...leaky,
  name: "Twice",
  defaults: {},
  nodes: [
    node("Leaky", ["x"], ["t"], { domain: "my.own" }),
    node("Leaky", ["t"], ["y"], {
      domain: "my.own",
      attributes: { slope: float(0.1) },
    }),
  ],
  opsets: new Map([["my.own", 1]]),
};

const model = (functions: LocalFunction[]): Graph => ({
  ...emptyGraph("calls"),
  inputs: [{ name: "x", type: "float32", dims: [2] }],
  outputs: [{ name: "z", type: "float32", dims: [2] }],
  nodes: [
    node("Exp", ["x"], ["t"]),
    node("Twice", ["t"], ["u"], { domain: "my.own" }),
    node("Mul", ["u", "t"], ["z"]),
  ],
  functions,
  opsets: new Map([
    ["", 18],
    ["my.own", 1],
  ]),
});

test("calls of local functions are written out, attributes and names kept apart", async () => {
  const graph = decodeModel(encodeModel(model([leaky, twice])), "test");
  const loaded = normalise(graph);
  expect(loaded.functions).toEqual([]);
  expect(loaded.nodes.map((n) => n.op)).toEqual(
    "Exp Neg LeakyRelu Add Neg LeakyRelu Add Mul".split(" "),
  );
  const run = async (g: Graph) => {
    const session = await onnxruntime.load(g);
    const { z } = await session.run({ x: floats([2], [0.3, -1]) });
    return Array.from(z?.data as Float32Array);
  };
  // Leaky(v; s) of a positive v is -(1 + s) v, of a negative one -2 v.
  const expected = [0.3, -1].map((v) => 3 * Math.exp(v) ** 2);
  (await run(loaded)).forEach((v, i) => {
    expect(v).toBeCloseTo(expected[i]!, 5);
  });
});

test("an attribute that refers to one which nobody gave is left out, whatever it is called", () => {
  const called = (value: string): LocalFunction => ({
    ...leaky,
    name: "Twice",
    nodes: [
      node("LeakyRelu", ["x"], ["y"], {
        attributes: { alpha: { kind: "reference", value } },
      }),
    ],
  });
  for (const name of ["slope", "constructor", "toString", "__proto__"]) {
    const { nodes } = normalise(model([{ ...called(name), defaults: {} }]));
    expect(nodes[1]?.op).toBe("LeakyRelu");
    expect(Object.keys(nodes[1]?.attributes ?? {})).toEqual([]);
  }
});

test("functions that call each other without end are refused", () => {
  const endless: LocalFunction = {
    ...leaky,
    name: "Twice",
    nodes: [node("Twice", ["x"], ["y"], { domain: "my.own" })],
  };
  expect(() => normalise(model([endless]))).toThrow(/makes the graph larger/);
});

test("functions that double at every level are refused", () => {
  const levels = Array.from(
    { length: 40 },
    (_, i): LocalFunction => ({
      ...leaky,
      name: i === 39 ? "Twice" : `L${i}`,
      nodes:
        i === 0
          ? [node("Neg", ["x"], ["y"])]
          : [
              node(`L${i - 1}`, ["x"], ["t"], { domain: "my.own" }),
              node(`L${i - 1}`, ["t"], ["y"], { domain: "my.own" }),
            ],
    }),
  );
  expect(() => normalise(model(levels))).toThrow(/makes the graph larger/);
});
