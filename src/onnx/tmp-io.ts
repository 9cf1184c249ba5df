import { fromBinary } from "@bufbuild/protobuf";
import { readFile, writeFile } from "#core";
import { encodeModel } from "./encode.ts";
import { ModelProtoSchema } from "./generated/onnx-ml_pb.ts";
import type { Attribute, Graph, ValueInfo } from "./graph.ts";
import type { Tensor } from "./tensor.ts";
const info = (v: any): ValueInfo => ({ name: v.name, type: v.type.value.value.elemType === 7 ? "int64" : "float32", dims: v.type.value.value.shape?.dim.map((d: any) => d.value.case === "dimValue" ? Number(d.value.value) : d.value.case === "dimParam" ? d.value.value : null) });
const ten = (t: any): Tensor => { const b = Uint8Array.from(t.rawData).buffer; const dims = t.dims.map(Number); return t.dataType === 7 ? { type: "int64", dims, data: new BigInt64Array(b) } : { type: "float32", dims, data: new Float32Array(b) }; };
const att = (a: any): Attribute => { switch (a.type) { case 1: return { kind: "float", value: a.f }; case 2: return { kind: "int", value: Number(a.i) }; case 3: return { kind: "string", value: new TextDecoder().decode(a.s) }; case 7: return { kind: "ints", value: a.ints.map(Number) }; case 4: return { kind: "tensor", value: ten(a.t) }; default: throw new Error("attr " + a.type); } };
export function readModel(path: string): Graph {
  const m = fromBinary(ModelProtoSchema, readFile(path)) as any;
  return { name: m.graph.name, inputs: m.graph.input.map(info), outputs: m.graph.output.map(info), nodes: m.graph.node.map((n: any) => ({ name: n.name, op: n.opType, domain: n.domain, inputs: n.input, outputs: n.output, attributes: Object.fromEntries(n.attribute.map((a: any) => [a.name, att(a)])) })), constants: new Map(m.graph.initializer.map((t: any) => [t.name, ten(t)])), valueInfo: [], opsets: new Map(m.opsetImport.map((o: any) => [o.domain, Number(o.version)])), metadata: new Map(m.metadataProps.map((p: any) => [p.key, p.value])), producer: m.producerName, functions: [] };
}
export function writeModel(path: string, graph: Graph) { writeFile(path, encodeModel(graph)); }
export const normalise = (g: Graph): Graph => g;
