import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { AssayError, messageOf } from "#core";
import { decodeTensor } from "./decode-tensor.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from "./generated/onnx-ml_pb.ts";
import type { Attribute, Dim, Graph, Node, ValueInfo } from "./graph.ts";
import { lookOf } from "./looks-like.ts";
import { sortNodes } from "./sort.ts";
import { dataTypeOf } from "./types.ts";

/**
 * Reads the bytes of an .onnx file. Weights are views of the bytes where they
 * are aligned, and copied once where they are not.
 *
 * @param source names the file in messages
 * @param folder where external data lies; it is refused when left out
 * @throws MODEL_UNREADABLE or MODEL_INVALID: one line that says what is wrong
 */
export function decodeModel(
  bytes: Uint8Array,
  source: string,
  folder?: string,
): Graph {
  const model = parse(bytes, source);
  try {
    return graphOf(model, source, folder);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid(source, messageOf(error));
  }
}

/** The error of a file that is ONNX but breaks its rules. */
export function invalid(source: string, what: string): AssayError {
  return new AssayError(
    "MODEL_INVALID",
    `${source}: ${what}`,
    "Check the file with onnx.checker, or export it again.",
  );
}

function parse(bytes: Uint8Array, source: string): ModelProto {
  const unreadable = (what: string, hint: string) =>
    new AssayError("MODEL_UNREADABLE", `${source} ${what}`, hint);
  if (bytes.length === 0)
    throw unreadable("is empty", "Download or export it again.");
  const look = lookOf(bytes);
  if (look)
    throw unreadable(
      `is not an ONNX model: it looks like ${look.what}`,
      look.hint,
    );
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw unreadable(
      `is not an ONNX model, or it is truncated (${messageOf(error)})`,
      "Download or export it again.",
    );
  }
  if (!model.graph || model.irVersion <= 0n) {
    throw unreadable(
      "is not an ONNX model, or it is truncated: it holds no graph",
      "Download or export it again.",
    );
  }
  return model;
}

function graphOf(
  model: ModelProto,
  source: string,
  folder: string | undefined,
): Graph {
  const graph = model.graph as GraphProto;
  if (model.opsetImport.length === 0)
    throw invalid(source, "it names no operator set");
  refuseControlCharacters(graph, source);
  if (graph.sparseInitializer.length > 0)
    throw invalid(source, "it has sparse weights, which are not supported");
  const constants = new Map(
    graph.initializer.map((t) => [
      t.name,
      decodeTensor(t, `weight "${t.name}" of ${source}`, folder),
    ]),
  );
  const inputs = graph.input
    // Before IR version 4 every weight was listed as an input as well.
    .filter((i) => !constants.has(i.name))
    .map((i) => {
      const info = valueInfoOf(i, source);
      if (!info) throw invalid(source, `input "${i.name}" is not a tensor`);
      return info;
    });
  const nodes = sortNodes(
    graph.node.map(nodeOf(source)),
    [...inputs.map((i) => i.name), ...constants.keys()],
    source,
  );
  const made = new Set([
    ...nodes.flatMap((n) => n.outputs),
    ...inputs.map((i) => i.name),
    ...constants.keys(),
  ]);
  const outputs = graph.output.flatMap((o) => {
    if (!made.has(o.name))
      throw invalid(source, `output "${o.name}" is not produced by any node`);
    // Sequences and maps (such as ZipMap's) cannot be attacked; the tensors beside them can.
    return valueInfoOf(o, source) ?? [];
  });
  return {
    name: graph.name,
    inputs,
    outputs,
    nodes,
    constants,
    valueInfo: graph.valueInfo.flatMap((v) => valueInfoOf(v, source) ?? []),
    opsets: new Map(
      model.opsetImport.map((o) => [
        o.domain === "ai.onnx" ? "" : o.domain,
        Number(o.version),
      ]),
    ),
    metadata: new Map(model.metadataProps.map((p) => [p.key, p.value])),
    producer: model.producerName,
    functions: model.functions.map((f) => toBinary(FunctionProtoSchema, f)),
  };
}

/** Names go into messages and reports; no exporter writes control characters, only damage and malice do. */
function refuseControlCharacters(graph: GraphProto, source: string): void {
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
}

function valueInfoOf(
  { name, type }: ValueInfoProto,
  source: string,
): ValueInfo | undefined {
  if (type?.value.case !== "tensorType") return undefined;
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map(({ value }): Dim => {
    if (value.case === "dimValue") return Number(value.value);
    return value.case === "dimParam" && value.value ? value.value : null;
  });
  return {
    name,
    type: dataTypeOf(elemType, `value "${name}" of ${source}`),
    ...(dims ? { dims } : {}),
  };
}

const nodeOf =
  (source: string) =>
  (node: NodeProto): Node => ({
    name: node.name,
    op: node.opType,
    domain: node.domain === "ai.onnx" ? "" : node.domain,
    inputs: node.input,
    outputs: node.output,
    attributes: Object.fromEntries(
      node.attribute.map((a) => [
        a.name,
        attributeOf(
          a,
          `attribute "${a.name}" of node "${node.name || node.opType}" of ${source}`,
        ),
      ]),
    ),
  });

/** Integers beyond what a number holds exactly only occur as "to the end"; they are clamped. */
const toNumber = (value: bigint): number =>
  Number(
    value > BigInt(Number.MAX_SAFE_INTEGER)
      ? Number.MAX_SAFE_INTEGER
      : value < BigInt(Number.MIN_SAFE_INTEGER)
        ? Number.MIN_SAFE_INTEGER
        : value,
  );

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function attributeOf(a: AttributeProto, where: string): Attribute {
  switch (a.refAttrName ? Kind.UNDEFINED : a.type) {
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
  }
  return { kind: "opaque", value: toBinary(AttributeProtoSchema, a) };
}
