import { AssayError } from "#core";
import { GraphBuilder } from "./builder.ts";
import { expandInto } from "./expand/index.ts";
import {
  attribute,
  describeNode,
  emptyGraph,
  type Graph,
  type LocalFunction,
  type Node,
  OPSET,
  type Subgraph,
} from "./graph.ts";
import { inlineCall, mapBodies, tooLarge } from "./inline.ts";
import { floats, int64s, type Tensor, tensor } from "./tensor.ts";
import { OPSET_RANGE, upgradeNode } from "./upgrade.ts";

/**
 * A graph in the form that everything else expects: opset 18 or above,
 * constants in one place instead of in Constant nodes, calls of local functions
 * written out, conditions that are known decided, and operators of other
 * domains (com.microsoft, ai.onnx.ml) written as standard ones where that is
 * possible. It computes the same.
 *
 * @throws OPSET_UNSUPPORTED for an opset that is too old or too new, MODEL_INVALID for
 *   sizes or depths that no memory holds
 */
export function normalise(graph: Graph): Graph {
  try {
    return normalised(graph);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AssayError(
      "MODEL_INVALID",
      `${graph.name || "the graph"} states a size or a depth that no memory holds (${error.message})`,
      "Check the file with onnx.checker, or export it again.",
      { cause: error },
    );
  }
}

function normalised(graph: Graph): Graph {
  const functions = new Map(graph.functions.map((f) => [keyOf(f), f]));
  const versions = [graph, ...graph.functions].map(versionOf);
  for (const version of versions) requireSupported(version);
  const b = new GraphBuilder({ ...graph, nodes: [] }, "upgrade/");
  const context: Context = {
    b,
    version: versionOf(graph),
    functions,
    aliases: new Map(),
    depth: 0,
  };
  for (const node of graph.nodes) add(node, context);
  return {
    ...b.build(),
    functions: [],
    opsets: new Map([
      ...graph.opsets,
      ...graph.functions.flatMap((f) => [...f.opsets]),
      ["", Math.max(...versions, OPSET)],
    ]),
  };
}

interface Context {
  readonly b: GraphBuilder;
  /** The opset that the node was written for. */
  readonly version: number;
  readonly functions: ReadonlyMap<string, LocalFunction>;
  /**
   * Constants by the other names that Identity gives them: exporters store
   * equal weights once.
   */
  readonly aliases: Map<string, string>;
  readonly depth: number;
}

const keyOf = ({ domain, name }: { domain: string; name: string }) =>
  `${domain}.${name}`;

const versionOf = ({ opsets }: { opsets: ReadonlyMap<string, number> }) =>
  opsets.get("") ?? OPSET;

function requireSupported(version: number): void {
  const [oldest, newest] = OPSET_RANGE;
  if (version >= oldest && version <= newest) return;
  throw new AssayError(
    "OPSET_UNSUPPORTED",
    `the model has opset ${version}, supported are ${oldest} to ${newest}`,
    "Export the model again with opset 17 or later.",
  );
}

/** Functions that call each other deeper than this never end. */
const MAX_DEPTH = 64;

function add(node: Node, context: Context): void {
  const { b, functions, version, aliases } = context;
  const called = functions.get(keyOf({ domain: node.domain, name: node.op }));
  if (called) {
    if (context.depth > MAX_DEPTH) throw tooLarge(node);
    const inner = {
      ...context,
      version: versionOf(called),
      depth: context.depth + 1,
    };
    for (const n of inlineCall(b, node, called)) add(n, inner);
  } else if (node.op === "Constant" && node.domain === "") {
    b.define(node.outputs[0]!, constantOf(node));
  } else {
    requireReadable(node, version);
    const [source = "", alias = ""] = [...node.inputs, ...node.outputs];
    const isCopy = node.op === "Identity" && node.domain === "";
    if (isCopy && b.constantOf(aliases.get(source) ?? source))
      aliases.set(alias, aliases.get(source) ?? source);
    const whole = {
      ...node,
      inputs: node.inputs.map((name) => aliases.get(name) ?? name),
      attributes: mapBodies(node.attributes, (body) =>
        normaliseBody(body, context),
      ),
    };
    for (const upgraded of upgradeNode(whole, { version, b }))
      addExpanded(b, upgraded);
  }
}

/**
 * Adds a node of another domain, or an If, as simpler ones where its form allows;
 * onnxruntime runs it as it is otherwise.
 */
function addExpanded(b: GraphBuilder, node: Node): void {
  const chosen = node.domain !== "" || node.op === "If";
  try {
    expandInto(b, node, () => chosen);
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "EXPAND_UNSUPPORTED")
      throw error;
    b.append(node);
  }
}

function normaliseBody(body: Subgraph, context: Context): Subgraph {
  const { nodes, ...rest } = body;
  const b = new GraphBuilder(
    { ...emptyGraph(body.name), ...rest },
    "upgrade/",
    context.b,
  );
  for (const node of nodes) add(node, { ...context, b });
  const built = b.build();
  return { ...rest, nodes: built.nodes, constants: built.constants };
}

/** A body that stays encoded cannot be brought to another opset. */
function requireReadable(node: Node, version: number): void {
  const encoded = Object.values(node.attributes).some(
    (a) => a.kind === "opaque",
  );
  if (!encoded || version >= OPSET || !["If", "Loop", "Scan"].includes(node.op))
    return;
  throw new AssayError(
    "OPSET_UNSUPPORTED",
    `${describeNode(node)} has a body over values that are not tensors, which cannot be brought from opset ${version} to ${OPSET}`,
    `Export the model again with opset ${OPSET} or later.`,
  );
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
