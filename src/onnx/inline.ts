import { AssayError } from "#core";
import type { GraphBuilder } from "./builder.ts";
import {
  type Attribute,
  type Attributes,
  describeNode,
  type LocalFunction,
  type Node,
  type Subgraph,
} from "./graph.ts";

/** What a graph may grow to: a small file can call itself up to any size. */
const MAX_NODES = 200_000;

/**
 * The nodes of a call of a local function, written out: its inputs and outputs
 * are those of the call, and what it makes inside gets names of its own.
 *
 * @throws MODEL_INVALID when the calls never end
 */
export function inlineCall(
  b: GraphBuilder,
  call: Node,
  called: LocalFunction,
): Node[] {
  if (b.nodes.length > MAX_NODES) throw tooLarge(call);
  const prefix = `${b.fresh(called.name)}/`;
  const names = new Map<string, string>([["", ""]]);
  called.inputs.forEach((name, i) => {
    names.set(name, call.inputs[i] ?? "");
  });
  called.outputs.forEach((name, i) => {
    names.set(name, call.outputs[i] || prefix + name);
  });
  const rename = (name: string) => names.get(name) ?? prefix + name;
  const given: Attributes = { ...called.defaults, ...call.attributes };
  return called.nodes.map((node) =>
    renameNode(withAttributes(node, given), rename),
  );
}

export function tooLarge(node: Node): AssayError {
  return new AssayError(
    "MODEL_INVALID",
    `${describeNode(node)} makes the graph larger than ${MAX_NODES} nodes`,
    "Export the model without nested functions or loops.",
  );
}

/**
 * Adds the nodes of a body (of an If, Loop or Scan) to the graph around it.
 *
 * @param inputs the values that its inputs stand for
 * @returns the values of its outputs
 */
export function inlineBody(
  b: GraphBuilder,
  body: Subgraph,
  inputs: readonly string[],
): string[] {
  const prefix = `${b.fresh(body.name || "body")}/`;
  const names = new Map<string, string>();
  body.inputs.forEach(({ name }, i) => {
    names.set(name, inputs[i] ?? "");
  });
  for (const [name, value] of body.constants)
    names.set(name, b.constant(value));
  for (const node of body.nodes) {
    for (const name of node.outputs) if (name) names.set(name, prefix + name);
  }
  const rename = (name: string) => names.get(name) ?? name;
  for (const node of body.nodes) {
    if (b.nodes.length > MAX_NODES) throw tooLarge(node);
    b.append(renameNode(node, rename));
  }
  return body.outputs.map((o) => rename(o.name));
}

/** A node with every name that it reads or makes replaced, in its bodies too. */
export function renameNode(node: Node, rename: (name: string) => string): Node {
  return {
    ...node,
    name: rename(node.outputs.find(Boolean) ?? node.name),
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: mapBodies(node.attributes, (body) => ({
      ...body,
      inputs: body.inputs.map((i) => ({ ...i, name: rename(i.name) })),
      outputs: body.outputs.map((o) => ({ ...o, name: rename(o.name) })),
      constants: new Map(
        [...body.constants].map(([name, t]) => [rename(name), t]),
      ),
      valueInfo: body.valueInfo.map((v) => ({ ...v, name: rename(v.name) })),
      nodes: body.nodes.map((n) => renameNode(n, rename)),
    })),
  };
}

/** Attributes with every body in them replaced. */
export function mapBodies(
  attributes: Attributes,
  change: (body: Subgraph) => Subgraph,
): Attributes {
  if (!Object.values(attributes).some((a) => a.kind === "graph"))
    return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, a]): [string, Attribute] => [
      name,
      a.kind === "graph" ? { kind: "graph", value: change(a.value) } : a,
    ]),
  );
}

/**
 * A node of a function with the attributes of the call in place of those
 * that refer to them.
 */
function withAttributes(node: Node, given: Attributes): Node {
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).flatMap(([name, a]) => {
      if (a.kind !== "reference") return [[name, a] as const];
      const isGiven = Object.hasOwn(given, a.value);
      return isGiven ? [[name, given[a.value]!] as const] : [];
    }),
  );
  return {
    ...node,
    attributes: mapBodies(attributes, (body) => ({
      ...body,
      nodes: body.nodes.map((n) => withAttributes(n, given)),
    })),
  };
}
