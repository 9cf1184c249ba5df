import { basename } from "node:path";
import {
  AssayError,
  readFile,
  sha256,
  sha256OfFile,
  writeFile,
  writeParts,
} from "#core";
import { decodeModel } from "./decode.ts";
import { encodeModel, type Place } from "./encode.ts";
import type { Graph } from "./graph.ts";
import { originOf } from "./origin.ts";
import { skim } from "./skim.ts";
import { arrayTypes, sizeOf, type Tensor } from "./tensor.ts";

/**
 * Reads an .onnx file, with external data from its folder. Throws what `decodeModel`
 * throws, and FILE_UNREADABLE.
 */
export function readModel(path: string): Graph {
  return decodeModel(readFile(path), path, path);
}

/**
 * The same for a look at a model: its weights stay in the file, and are read where they
 * are asked for. The file has to stay as it is meanwhile.
 */
export function readModelInPlace(path: string): Graph {
  try {
    const skimmed = skim(path);
    if (skimmed) return decodeModel(skimmed.bytes, path, path, skimmed.left);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
  }
  // What is wrong with it is said by whoever reads all of it.
  return readModel(path);
}

/**
 * Weights beyond this go into a file of their own: a protobuf message ends at 2 GiB.
 */
const LARGEST = 2 ** 30;

/**
 * Writes an .onnx file whole or not at all; where its weights are more than 1 GiB, they
 * go to `<path>.data` beside it.
 */
export function writeModel(path: string, graph: Graph): void {
  const large = new Map(
    [...graph.constants].filter(([, t]) => bytesOf(t) >= 1024),
  );
  const total = [...large.values()].reduce((sum, t) => sum + bytesOf(t), 0);
  if (total <= LARGEST) {
    writeFile(path, encodeModel(graph));
    return;
  }
  const places = new Map<string, Place>();
  let offset = 0;
  for (const [name, t] of large) {
    const length = bytesOf(t);
    places.set(name, { location: `${basename(path)}.data`, offset, length });
    offset += length;
  }
  writeParts(
    `${path}.data`,
    (function* () {
      for (const t of large.values()) yield rawBytes(t);
    })(),
  );
  writeFile(
    path,
    encodeModel(graph, (_t, name) => places.get(name)),
  );
}

const bytesOf = ({ type, dims }: Tensor) =>
  type === "string" ? 0 : sizeOf(dims) * arrayTypes[type].BYTES_PER_ELEMENT;

function rawBytes(t: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = t.data as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The files of a model: its own first, then those beside it that hold weights. */
export function modelFiles(path: string): string[] {
  const { constants } = readModelInPlace(path);
  const holders = [...constants.values()].flatMap(
    (t) => originOf(t)?.path ?? [],
  );
  return [...new Set([path, ...holders.sort()])];
}

/** The hash of a model's file; of all its files where weights are stored beside it. */
export function hashModel(path: string): string {
  const [own = "", ...others] = modelFiles(path).map(sha256OfFile);
  return others.length === 0 ? own : sha256([own, ...others].join());
}
