import { existsSync, readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { unzipSync } from "fflate";
import { packagePath } from "#core";
import type { Tensor } from "#onnx";
import { decodeTensor } from "../../src/onnx/decode-tensor.ts";
import { TensorProtoSchema } from "../../src/onnx/generated/onnx-ml_pb.ts";

/** The ONNX project's own operator tests, as it publishes them with version 1.22.0. */
export const archive = packagePath(
  "../shared/data/onnx-node-tests/onnx-v1.22.0-node.zip",
);

/** One test: a model of usually one node, what goes in and what has to come out. */
export interface NodeTest {
  readonly name: string;
  readonly model: Uint8Array;
  /** Undefined where it is not a tensor. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly (Tensor | undefined)[];
}

/** All tests of the archive by name; undefined when it is not there. */
export function nodeTests(): NodeTest[] | undefined {
  if (!existsSync(archive)) return undefined;
  const files = unzipSync(readFileSync(archive));
  const names = Object.keys(files)
    .filter((path) => path.endsWith("/model.onnx"))
    .map((path) => path.split("/").at(-2) as string)
    .sort();
  const paths = Object.keys(files);
  const tensors = new Map<string, Map<string, Tensor | undefined>>();
  for (const path of paths) {
    const found = /([^/]+)\/test_data_set_0\/((?:in|out)put_\d+)\.pb$/.exec(
      path,
    );
    if (!found) continue;
    const [, name = "", which = ""] = found;
    const own = tensors.get(name) ?? new Map();
    tensors.set(name, own);
    own.set(which, tensorOf(files[path] as Uint8Array, `${name} ${which}`));
  }
  return names.map((name) => {
    const own = tensors.get(name) ?? new Map<string, Tensor | undefined>();
    const numbered = (kind: string) =>
      [...own]
        .filter(([which]) => which.startsWith(kind))
        .sort((a, b) => number(a[0]) - number(b[0]))
        .map(([, t]) => t);
    return {
      name,
      model: files[`node/${name}/model.onnx`] as Uint8Array,
      inputs: numbered("input"),
      outputs: numbered("output"),
    };
  });
}

const number = (which: string) => Number(which.split("_")[1]);

/** A tensor; undefined for sequences and for element types that Assay does not hold. */
function tensorOf(bytes: Uint8Array, what: string): Tensor | undefined {
  try {
    return decodeTensor(fromBinary(TensorProtoSchema, bytes), what, undefined);
  } catch {
    return undefined;
  }
}
