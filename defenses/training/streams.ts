import { type Model, residualOf } from "#model";
import {
  type FloatTensor,
  type Graph,
  GraphBuilder,
  graft,
  prune,
} from "#onnx";
import type { LossGraph } from "#tuning";

/** A language model once more, with a hold on its residual stream. */
export interface Streams {
  /** Logits as the model shapes them. */
  readonly logits: string;
  /** The stream as each block finds it, and as the last one leaves it. */
  readonly hidden: readonly string[];
}

/** The stream as each block finds it and as the last one leaves it, by name. */
export function streamsOf({ model }: { readonly model: Model }): string[] {
  const { blocks, last } = residualOf(model);
  return [...blocks, last];
}

/**
 * The model over token ids [N, length], with its residual stream.
 *
 * @param replaced other values in place of weights
 */
export function again(
  g: LossGraph,
  ids: string,
  replaced: readonly (readonly [string, string])[] = [],
): Streams {
  const { b, model } = g;
  const hidden = streamsOf(g);
  const outputs = [...hidden, model.logits].map((name) => ({
    name,
    type: "float32" as const,
  }));
  const named = graft(
    b,
    prune({ ...model.graph, outputs }),
    new Map([[model.input, ids], ...replaced]),
  );
  return { logits: named(model.logits), hidden: hidden.map(named) };
}

/** The logits that a value in the place of the last stream comes to. */
export function headOn(g: LossGraph, stream: string): string {
  const { b, model } = g;
  const last = streamsOf(g).at(-1) as string;
  const nodes = model.graph.nodes.filter(
    ({ outputs }) => !outputs.includes(last),
  );
  const outputs = [{ name: model.logits, type: "float32" as const }];
  const tail = prune({ ...model.graph, nodes, outputs });
  return graft(b, tail, new Map([[last, stream]]))(model.logits);
}

/** The graph with an input that is added to each of some values. */
export function withOffsets(
  graph: Graph,
  values: readonly string[],
): { readonly graph: Graph; readonly offsets: readonly string[] } {
  const b = new GraphBuilder({ ...graph, nodes: [] }, "offset/");
  const offsets: string[] = [];
  for (const node of graph.nodes) {
    const moved = node.outputs.filter((name) => values.includes(name));
    if (moved.length === 0) {
      b.append(node);
      continue;
    }
    const plain = (name: string) =>
      moved.includes(name) ? `${name}/plain` : name;
    b.append({ ...node, outputs: node.outputs.map(plain) });
    for (const name of moved) {
      const offset = b.input({ name: `${name}/offset`, type: "float32" });
      offsets[values.indexOf(name)] = offset;
      b.rename(b.op("Add", [plain(name), offset]), name);
    }
  }
  return { graph: b.build(), offsets };
}

/** Weights as a training begins with them, as constants of its graph. */
export const atStart = (
  { b, model }: LossGraph,
  trained: readonly string[],
): [weight: string, constant: string][] =>
  trained.map((name) => [
    name,
    b.constant(model.graph.constants.get(name) as FloatTensor),
  ]);
