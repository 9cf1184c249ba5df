import { fromBinary } from "@bufbuild/protobuf";
import { AssayError, messageOf } from "#core";
import {
  attributesOf,
  type DecodeContext,
  decodeGraph,
  decodeNodes,
  domainOf,
  invalid,
} from "./decode-graph.ts";
import {
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
} from "./generated/onnx-ml_pb.ts";
import type { Graph, LocalFunction } from "./graph.ts";
import { lookOf } from "./looks-like.ts";
import { stampOf } from "./origin.ts";
import type { Skimmed } from "./skim.ts";

/**
 * Reads the bytes of an .onnx file. Weights are views of the bytes where they
 * are aligned, and copied once where they are not.
 *
 * @param source names the file in messages
 * @param path where the bytes were read; external data, which lie beside it, are
 *   refused when left out
 * @param left the large weights that the bytes lack, which stay in the file at `path`
 * @throws MODEL_UNREADABLE or MODEL_INVALID: one line that says what is wrong
 */
export function decodeModel(
  bytes: Uint8Array,
  source: string,
  path?: string,
  left?: Skimmed["left"],
): Graph {
  const model = parse(bytes, source);
  try {
    if (model.opsetImport.length === 0)
      throw invalid(source, "it names no operator set");
    const weights = (model.graph as GraphProto).initializer;
    const places = left?.map(
      ({ index, ...place }) => [weights[index]!, place] as const,
    );
    const context = {
      source,
      file: path
        ? { path, bytes, left: places && new Map(places), ...stampOf(path) }
        : undefined,
    };
    const { graph, others } = decodeGraph(model.graph as GraphProto, context);
    const [lost] = others.inputs;
    if (lost) throw invalid(source, `input "${lost}" is not a tensor`);
    return {
      ...graph,
      opsets: opsetsOf(model),
      metadata: new Map(model.metadataProps.map((p) => [p.key, p.value])),
      producer: model.producerName,
      functions: model.functions.map((f) => functionOf(f, context)),
    };
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid(source, messageOf(error));
  }
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

const opsetsOf = ({ opsetImport }: ModelProto | FunctionProto) =>
  new Map(opsetImport.map((o) => [domainOf(o.domain), Number(o.version)]));

function functionOf(f: FunctionProto, context: DecodeContext): LocalFunction {
  return {
    name: f.name,
    domain: domainOf(f.domain),
    inputs: f.input,
    outputs: f.output,
    defaults: attributesOf(f.attributeProto, `function "${f.name}"`, context),
    nodes: decodeNodes(f.node, f.input, context),
    opsets: opsetsOf(f),
  };
}
