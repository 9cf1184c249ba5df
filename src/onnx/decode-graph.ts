import { toBinary } from "@bufbuild/protobuf";
import { AssayError } from "#core";
import { readNames } from "./captures.ts";
import { checkWindows } from "./check-windows.ts";
import { decodeTensor, type TensorFile } from "./decode-tensor.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type NodeProto,
  type ValueInfoProto,
} from "./generated/onnx-ml_pb.ts";
import type {
  Attribute,
  Attributes,
  Dim,
  Node,
  Subgraph,
  ValueInfo,
} from "./graph.ts";
import { SCOPES, scopeIn } from "./scope.ts";
import { sortNodes } from "./sort.ts";
import { dataTypeOf } from "./types.ts";

/** Where a graph comes from. */
export interface DecodeContext {
  /** Names the file in messages. */
  readonly source: string;
  /** The file; external data, which lie beside it, are refused when undefined. */
  readonly file: TensorFile | undefined;
}

/** The error of a file that is ONNX but breaks its rules. */
export function invalid(source: string, what: string): AssayError {
  return new AssayError(
    "MODEL_INVALID",
    `${source}: ${what}`,
    "Check the file with onnx.checker, or export it again.",
  );
}

/**
 * A graph from its encoded form, and the names of inputs and outputs that are
 * not tensors (sequences, maps), which it leaves out.
 *
 * @param inside whether it is the body of a node, which may read values from around it
 */
export function decodeGraph(
  graph: GraphProto,
  context: DecodeContext,
  inside = false,
): { graph: Subgraph; others: { inputs: string[]; outputs: string[] } } {
  const { source, file } = context;
  refuseNames(graph, source);
  if (graph.sparseInitializer.length > 0)
    throw invalid(source, "it has sparse weights, which are not supported");
  const constants = new Map(
    graph.initializer.map((t) => [
      t.name,
      decodeTensor(t, `weight "${t.name}" of ${source}`, file),
    ]),
  );
  const others = { inputs: [] as string[], outputs: [] as string[] };
  // Before IR version 4 every weight was listed as an input as well.
  const given = graph.input.filter((i) => !constants.has(i.name));
  const inputs = given.flatMap((i) => {
    const info = valueInfoOf(i, source, inside);
    if (!info) others.inputs.push(i.name);
    return info ?? [];
  });
  const nodes = decodeNodes(
    graph.node,
    [...given.map((i) => i.name), ...constants.keys()],
    context,
    inside,
  );
  checkWindows(
    nodes,
    (name) => constants.get(name)?.dims,
    (what) => invalid(source, what),
  );
  const made = new Set([
    ...nodes.flatMap((n) => n.outputs),
    ...inputs.map((i) => i.name),
    ...constants.keys(),
  ]);
  const outputs = graph.output.flatMap((o) => {
    if (!made.has(o.name) && !inside)
      throw invalid(source, `output "${o.name}" is not produced by any node`);
    // Sequences and maps (such as ZipMap's) cannot be attacked; the tensors
    // beside them can.
    const info = valueInfoOf(o, source, inside);
    if (!info) others.outputs.push(o.name);
    return info ?? [];
  });
  return {
    graph: {
      name: graph.name,
      inputs,
      outputs,
      nodes,
      constants,
      valueInfo: graph.valueInfo.flatMap((v) => valueInfoOf(v, source) ?? []),
    },
    others,
  };
}

/** Nodes in topological order. */
export function decodeNodes(
  nodes: readonly NodeProto[],
  given: readonly string[],
  context: DecodeContext,
  inside = false,
): readonly Node[] {
  const decoded = nodes.map(nodeOf(context));
  if (!inside) return sortNodes(decoded, given, context.source);
  // What a body does not make itself comes from around it; whether it is there is
  // checked outside.
  const made = new Set(decoded.flatMap((n) => n.outputs));
  const outer = decoded.flatMap(readNames).filter((name) => !made.has(name));
  return sortNodes(decoded, [...new Set([...given, ...outer])], context.source);
}

/**
 * Names go into messages, reports and the objects in which onnxruntime gives its
 * results. No exporter writes control characters or `__proto__`, only damage and malice
 * do.
 */
function refuseNames(graph: GraphProto, source: string): void {
  const named = [graph.initializer, graph.input, graph.output, graph.valueInfo];
  const names = [
    ...named.flatMap((list) => list.map(({ name }) => name)),
    ...graph.node.flatMap((n) => [
      n.name,
      n.opType,
      n.domain,
      ...n.input,
      ...n.output,
      ...n.attribute.map((a) => a.name),
    ]),
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const bad = names.find((name) => /[\u0000-\u001f\u007f-\u009f]/.test(name));
  if (bad !== undefined) {
    throw invalid(
      source,
      `the name ${JSON.stringify(bad)} has control characters`,
    );
  }
  if (names.includes("__proto__"))
    throw invalid(source, "a value, node or attribute is called __proto__");
}

function valueInfoOf(
  { name, type }: ValueInfoProto,
  source: string,
  inside = false,
): ValueInfo | undefined {
  if (inside && type?.value.case === undefined)
    return { name, type: "float32", untyped: true };
  if (type?.value.case !== "tensorType") return undefined;
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map(({ value }): Dim => {
    // Some exporters write -1 for an open size.
    if (value.case === "dimValue")
      return value.value < 0n ? null : Number(value.value);
    return value.case === "dimParam" && value.value ? value.value : null;
  });
  return {
    name,
    type: dataTypeOf(elemType, `value "${name}" of ${source}`),
    dims,
  };
}

/** "ai.onnx" and "" are the same domain. */
export const domainOf = (domain: string) =>
  domain === "ai.onnx" ? "" : domain;

const nodeOf =
  (context: DecodeContext) =>
  (node: NodeProto): Node => ({
    name: node.name,
    ...recordedScope(node),
    op: node.opType,
    domain: domainOf(node.domain),
    inputs: node.input,
    outputs: node.output,
    attributes: attributesOf(
      node.attribute,
      `node "${node.name || node.opType}"`,
      context,
    ),
  });

function recordedScope(node: NodeProto): Pick<Node, "scope"> {
  const record = node.metadataProps.find((p) => p.key === SCOPES)?.value;
  const scope = record ? scopeIn(record) : undefined;
  // Names go into reports; those of damage and malice have control characters.
  return scope && !/\p{Cc}/u.test(scope) ? { scope } : {};
}

/** @param owner names the node in messages */
export function attributesOf(
  attributes: readonly AttributeProto[],
  owner: string,
  context: DecodeContext,
): Attributes {
  return Object.fromEntries(
    attributes.map((a) => [
      a.name,
      attributeOf(
        a,
        `attribute "${a.name}" of ${owner} of ${context.source}`,
        context,
      ),
    ]),
  );
}

/**
 * Integers beyond what a number holds exactly only occur as "to the end".
 * They are clamped.
 */
const toNumber = (value: bigint): number =>
  Number(
    value > BigInt(Number.MAX_SAFE_INTEGER)
      ? Number.MAX_SAFE_INTEGER
      : value < BigInt(Number.MIN_SAFE_INTEGER)
        ? Number.MIN_SAFE_INTEGER
        : value,
  );

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function attributeOf(
  a: AttributeProto,
  where: string,
  context: DecodeContext,
): Attribute {
  if (a.refAttrName) return { kind: "reference", value: a.refAttrName };
  switch (a.type) {
    case Kind.INT:
      return { kind: "int", value: toNumber(a.i) };
    case Kind.FLOAT:
      return { kind: "float", value: a.f };
    case Kind.STRING:
      return { kind: "string", value: text(a.s) };
    case Kind.INTS:
      return { kind: "ints", value: a.ints.map(toNumber) };
    case Kind.FLOATS:
      return { kind: "floats", value: a.floats };
    case Kind.STRINGS:
      return { kind: "strings", value: a.strings.map(text) };
    case Kind.TENSOR:
      if (a.t)
        return { kind: "tensor", value: decodeTensor(a.t, where, undefined) };
      break;
    case Kind.GRAPH:
      if (a.g) {
        const { graph, others } = decodeGraph(a.g, context, true);
        const whole = others.inputs.length + others.outputs.length === 0;
        if (whole) return { kind: "graph", value: graph };
      }
  }
  return { kind: "opaque", value: toBinary(AttributeProtoSchema, a) };
}
