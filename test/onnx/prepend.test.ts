import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { layerGroups } from "#model";
import { emptyGraph, type Graph, type Node, normalise, prepend } from "#onnx";
import { AttributeProtoSchema } from "../../src/onnx/generated/onnx-ml_pb.ts";

const node = (op: string, attributes: Node["attributes"] = {}): Node => ({
  name: "n",
  op,
  domain: "",
  inputs: ["x"],
  outputs: ["y"],
  attributes,
});

const graphOf = (n: Node): Graph => ({
  ...emptyGraph("g"),
  inputs: [{ name: "x", type: "float32", dims: ["batch", 4] }],
  outputs: [{ name: "y", type: "float32" }],
  nodes: [n],
});

test("what is put in front of an input is read by all that read the input", () => {
  const { graph, value } = prepend(graphOf(node("Relu")), "x", "p/", (b, x) =>
    b.neg(x),
  );
  expect(graph.nodes.map((n) => [n.op, n.inputs])).toEqual([
    ["Neg", ["x"]],
    ["Relu", [value]],
  ]);
});

test("nothing is put in front of an input that a subgraph reads by itself", () => {
  const branch = create(AttributeProtoSchema, {
    name: "then_branch",
    type: 5,
    g: { node: [{ opType: "Relu", input: ["x"], output: ["z"] }] },
  });
  const body = {
    kind: "opaque",
    value: toBinary(AttributeProtoSchema, branch),
  } as const;
  const graph = graphOf(node("If", { then_branch: body }));
  expect(() => prepend(graph, "x", "p/", (b, x) => b.neg(x))).toThrow(
    expect.objectContaining({ code: "GRAPH_SUBGRAPH" }),
  );
});

test("an operator may be called like anything that objects have", () => {
  for (const op of ["constructor", "valueOf", "toString", "__proto__"]) {
    const old = { ...graphOf(node(op)), opsets: new Map([["", 11]]) };
    expect(normalise(old).nodes).toEqual(old.nodes);
    expect(layerGroups(old)).toEqual([]);
  }
});
