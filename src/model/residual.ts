import { AssayError } from "#core";
import { type Dim, GraphBuilder, type Node } from "#onnx";
import { attentionOps } from "./causal.ts";
import type { Model } from "./model.ts";

/** The residual stream of a decoder: what its blocks read, and add to. */
export interface Residual {
  /** Numbers at each place. */
  readonly width: number;
  /** The stream as each block finds it, [N, length, width], first block first. */
  readonly blocks: readonly string[];
  /** The stream as the last block leaves it. */
  readonly last: string;
  /** What attention and perceptrons add to it, in this order, of the same shape. */
  readonly writes: readonly string[];
}

/**
 * Finds the residual stream of a language model in its graph, whatever exported it:
 * from the embeddings on, each addition of what was computed from the stream to the
 * stream itself. A block begins at what attention reads.
 *
 * @throws LANGUAGE_STREAM where there is none that can be told
 */
export function residualOf(model: Model): Residual {
  const { graph, embedding = "" } = model;
  const b = new GraphBuilder(graph);
  const dims = b.dims(embedding);
  const width = dims?.at(-1);
  if (dims?.length !== 3 || typeof width !== "number")
    throw refused("its tokens are not looked up as [batch, length, width]");
  const readers = new Map<string, Node[]>();
  const makers = new Map<string, Node>();
  const active = new Set([embedding]);
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs))
      readers.set(name, [...(readers.get(name) ?? []), node]);
    const reads = node.op !== "Shape" && node.inputs.some((i) => active.has(i));
    for (const name of node.outputs) {
      makers.set(name, node);
      if (reads) active.add(name);
    }
  }
  const isStream = (value = "") => alike(b.dims(value), dims);
  const blocks: string[] = [];
  const writes: string[] = [];
  const passed = new Set([embedding]);
  let stream = embedding;
  let last = stream;
  for (;;) {
    const next = (readers.get(stream) ?? []).filter(({ op }) => op !== "Shape");
    const sums = next.filter(
      ({ op, outputs: [sum] }) => op === "Add" && isStream(sum),
    );
    const [sum] = sums.length > 0 ? sums : next.length === 1 ? next : [];
    if (!sum || sums.length > 1 || !isStream(sum.outputs[0])) break;
    const [added] = sum.inputs.filter((i) => i !== stream && active.has(i));
    if (added !== undefined) {
      if (sum.op !== "Add" || !isStream(added)) break;
      if (mixesPlaces(added, passed, makers)) blocks.push(stream);
      writes.push(added);
      last = sum.outputs[0] as string;
    }
    stream = sum.outputs[0] as string;
    passed.add(stream);
  }
  if (blocks.length === 0)
    throw refused("no attention adds to what its tokens were looked up as");
  return { width, blocks, last, writes };
}

const alike = (
  a: readonly Dim[] | undefined,
  b: readonly Dim[] | undefined,
): boolean =>
  a?.length === b?.length && a?.slice(1).join() === b?.slice(1).join();

/** Whether attention is on the way to a value from what the stream was. */
function mixesPlaces(
  value: string,
  stream: ReadonlySet<string>,
  makers: ReadonlyMap<string, Node>,
): boolean {
  const seen = new Set(stream);
  const open = [value];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const node = makers.get(name);
    if (!node) continue;
    if (node.op === "Softmax" || attentionOps.test(node.op)) return true;
    open.push(...node.inputs);
  }
  return false;
}

const refused = (why: string) =>
  new AssayError(
    "LANGUAGE_STREAM",
    `no residual stream is found in the language model: ${why}`,
    "Leave attacks on directions of the stream out, or export the decoder with its blocks as PyTorch writes them.",
  );
