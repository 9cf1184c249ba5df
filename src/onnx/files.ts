import { dirname } from "node:path";
import { readFile, writeFile } from "#core";
import { decodeModel } from "./decode.ts";
import { encodeModel } from "./encode.ts";
import type { Graph } from "./graph.ts";

/** Reads an .onnx file, with external data from its folder. Throws what `decodeModel` throws, and FILE_UNREADABLE. */
export function readModel(path: string): Graph {
  return decodeModel(readFile(path), path, dirname(path));
}

/** Writes an .onnx file whole or not at all, with all weights inside. */
export function writeModel(path: string, graph: Graph): void {
  writeFile(path, encodeModel(graph));
}
