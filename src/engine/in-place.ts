import { dirname, relative, resolve } from "node:path";
import {
  encodeModel,
  type Graph,
  isUnchanged,
  type Origin,
  originOf,
  type Tensor,
} from "#onnx";

/** Weights of fewer bytes are simply copied. */
const SMALL = 2 ** 14;

/**
 * A graph as bytes that refer to the weights where they lie on disk, which are
 * neither copied nor encoded again. Those that were made in memory, or whose
 * file has changed since, go into the bytes.
 *
 * @returns the bytes, and the folder from which the references are taken
 */
export function encodeInPlace(graph: Graph): {
  bytes: Uint8Array;
  folder?: string;
} {
  const usable = (t: Tensor): Origin | undefined => {
    const origin = originOf(t);
    const large = origin && origin.length >= SMALL;
    return large && isUnchanged(origin) ? origin : undefined;
  };
  const first = [...graph.constants.values()].map(usable).find((o) => o);
  if (!first) return { bytes: encodeModel(graph) };
  // onnxruntime takes all references from one folder, and refuses to leave it.
  const folder = dirname(resolve(first.path));
  const bytes = encodeModel(graph, (t) => {
    const origin = usable(t);
    if (!origin || dirname(resolve(origin.path)) !== folder) return undefined;
    const { path, offset, length } = origin;
    return { location: relative(folder, resolve(path)), offset, length };
  });
  return { bytes, folder };
}
