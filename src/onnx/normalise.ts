import { AssayError } from "#core";
import { GraphBuilder } from "./builder.ts";
import {
  attribute,
  describeNode,
  type Graph,
  type Node,
  OPSET,
} from "./graph.ts";
import { floats, int64s, type Tensor, tensor } from "./tensor.ts";
import { OPSET_RANGE, upgradeNode } from "./upgrade.ts";

/**
 * A graph in the form that everything else expects: opset 18 or above, and
 * constants in one place instead of in Constant nodes. It computes the same.
 *
 * @throws OPSET_UNSUPPORTED for an opset that is too old or too new
 */
export function normalise(graph: Graph): Graph {
  const version = graph.opsets.get("") ?? OPSET;
  const [oldest, newest] = OPSET_RANGE;
  if (version < oldest || version > newest) {
    throw new AssayError(
      "OPSET_UNSUPPORTED",
      `the model has opset ${version}, supported are ${oldest} to ${newest}`,
      "Export the model again with opset 17 or later.",
    );
  }
  const b = new GraphBuilder({ ...graph, nodes: [] }, "upgrade/");
  for (const node of graph.nodes) {
    if (node.op === "Constant" && node.domain === "") {
      b.define(node.outputs[0] as string, constantOf(node));
    } else {
      for (const upgraded of upgradeNode(node, { version, b }))
        b.append(upgraded);
    }
  }
  return {
    ...b.build(),
    opsets: new Map([...graph.opsets, ["", Math.max(version, OPSET)]]),
  };
}

/** The tensor of a Constant node. */
function constantOf(node: Node): Tensor {
  const value = attribute(node, "value", "tensor", undefined);
  if (value) return value;
  const [name, found] = Object.entries(node.attributes)[0] ?? [];
  switch (found?.kind) {
    case "float":
      return floats([], [found.value]);
    case "floats":
      return floats([found.value.length], found.value);
    case "int":
      return int64s([found.value], []);
    case "ints":
      return int64s(found.value);
    case "string":
      return tensor("string", [], [found.value]);
    case "strings":
      return tensor("string", [found.value.length], [...found.value]);
  }
  throw new AssayError(
    "MODEL_INVALID",
    `${describeNode(node)} has no value that can be read (${name ?? "no attribute"})`,
    "Export the model again.",
  );
}
