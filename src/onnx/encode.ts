import {
  create,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx-ml_pb.ts";
import type {
  Attribute,
  Attributes,
  Graph,
  Node,
  Subgraph,
  ValueInfo,
} from "./graph.ts";
import { SCOPES, scopeRecord } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { typeCodes } from "./types.ts";

const IR_VERSION = 10n;

/** A part of a file beside the model, named relative to it. */
export interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * The bytes of an .onnx file.
 *
 * @param placeOf tells of a weight that it lies in a file already; it is only
 *   referred to then
 */
export function encodeModel(
  graph: Graph,
  placeOf: (t: Tensor, name: string) => Place | undefined = () => undefined,
): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: graph.producer,
      opsetImport: encodeOpsets(graph.opsets),
      metadataProps: [...graph.metadata].map(([key, value]) => ({
        key,
        value,
      })),
      functions: graph.functions.map((f) => ({
        name: f.name,
        domain: f.domain,
        input: [...f.inputs],
        output: [...f.outputs],
        attributeProto: encodeAttributes(f.defaults),
        node: f.nodes.map(encodeNode),
        opsetImport: encodeOpsets(f.opsets),
      })),
      graph: encodeGraph(graph, placeOf),
    }),
  );
}

const encodeOpsets = (opsets: ReadonlyMap<string, number>) =>
  [...opsets].map(([domain, version]) => ({
    domain,
    version: BigInt(version),
  }));

function encodeGraph(
  graph: Subgraph,
  placeOf: (t: Tensor, name: string) => Place | undefined = () => undefined,
): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name || "graph",
    node: graph.nodes.map(encodeNode),
    initializer: [...graph.constants].map(([name, t]) => {
      const place = placeOf(t, name);
      return place ? encodePlace(t, name, place) : encodeTensor(t, name);
    }),
    input: graph.inputs.map(encodeInfo),
    output: graph.outputs.map(encodeInfo),
    valueInfo: graph.valueInfo.map(encodeInfo),
  });
}

const encodePlace = (t: Tensor, name: string, place: Place) =>
  create(TensorProtoSchema, {
    name,
    dims: t.dims.map(BigInt),
    dataType: typeCodes[t.type],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(place).map(([key, value]) => ({
      key,
      value: String(value),
    })),
  });

function encodeNode(n: Node): NodeProto {
  return create(NodeProtoSchema, {
    name: n.name,
    opType: n.op,
    domain: n.domain,
    input: [...n.inputs],
    output: [...n.outputs],
    attribute: encodeAttributes(n.attributes),
    metadataProps: n.scope
      ? [{ key: SCOPES, value: scopeRecord(n.scope, n.name) }]
      : [],
  });
}

const encodeAttributes = (attributes: Attributes) =>
  Object.entries(attributes).map(([name, a]) => encodeAttribute(name, a));

function encodeInfo(value: ValueInfo): ValueInfoProto {
  const { name, type, dims } = value;
  if (value.untyped) return create(ValueInfoProtoSchema, { name });
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: typeCodes[type],
          shape: dims && {
            dim: dims.map((d) => ({
              value:
                typeof d === "number"
                  ? { case: "dimValue" as const, value: BigInt(d) }
                  : typeof d === "string"
                    ? { case: "dimParam" as const, value: d }
                    : { case: undefined },
            })),
          },
        },
      },
    },
  });
}

export function encodeTensor(t: Tensor, name = ""): TensorProto {
  const common = {
    name,
    dims: t.dims.map(BigInt),
    dataType: typeCodes[t.type],
  };
  if (t.type === "string") {
    return create(TensorProtoSchema, {
      ...common,
      stringData: (t.data as string[]).map((s) => new TextEncoder().encode(s)),
    });
  }
  const { buffer, byteOffset, byteLength } = t.data as Uint8Array;
  return create(TensorProtoSchema, {
    ...common,
    rawData: new Uint8Array(buffer, byteOffset, byteLength),
  });
}

function encodeAttribute(name: string, a: Attribute): AttributeProto {
  return a.kind === "opaque"
    ? { ...fromBinary(AttributeProtoSchema, a.value), name }
    : create(AttributeProtoSchema, { name, ...fieldsOf(a) });
}

function fieldsOf(
  a: Exclude<Attribute, { kind: "opaque" }>,
): MessageInitShape<typeof AttributeProtoSchema> {
  const T = AttributeProto_AttributeType;
  const bytes = (s: string) => new TextEncoder().encode(s);
  switch (a.kind) {
    case "int":
      return { type: T.INT, i: BigInt(a.value) };
    case "float":
      return { type: T.FLOAT, f: a.value };
    case "string":
      return { type: T.STRING, s: bytes(a.value) };
    case "ints":
      return { type: T.INTS, ints: a.value.map(BigInt) };
    case "floats":
      return { type: T.FLOATS, floats: [...a.value] };
    case "strings":
      return { type: T.STRINGS, strings: a.value.map(bytes) };
    case "tensor":
      return { type: T.TENSOR, t: encodeTensor(a.value) };
    case "graph":
      return { type: T.GRAPH, g: encodeGraph(a.value) };
    case "reference":
      return { refAttrName: a.value };
  }
}
