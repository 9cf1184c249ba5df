import { AssayError } from "#core";
import { GraphBuilder } from "../builder.ts";
import type { Graph, Node } from "../graph.ts";
import { attentions } from "./attention.ts";
import { classical } from "./classical.ts";
import { contribAttentions } from "./contrib-attention.ts";
import { controlFlow } from "./control-flow.ts";
import {
  cannotExpand,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";
import { fused } from "./fused.ts";
import { sampling } from "./grid-sample.ts";
import { normalisations } from "./normalisations.ts";
import { packedWeights } from "./packed-weights.ts";
import { quantisedLayers } from "./quantised.ts";
import { recurrentLayers } from "./recurrent.ts";
import { spelledOut } from "./spelled-out.ts";

/** Composite operators that can be written as simpler ones. */
const expansions: ExpansionTable = {
  ...controlFlow,
  ...recurrentLayers,
  ...normalisations,
  ...sampling,
  ...fused,
  ...attentions,
  ...contribAttentions,
  ...packedWeights,
  ...classical,
  ...quantisedLayers,
  ...spelledOut,
};

/** The expansion of a node's operator, if it is a composite one. */
export function expansionOf(node: Node): Expansion | undefined {
  const key = node.domain ? `${node.domain}.${node.op}` : node.op;
  return Object.hasOwn(expansions, key) ? expansions[key] : undefined;
}

/**
 * The graph with the chosen composite nodes written as simpler ones. The
 * values keep their names; it computes the same.
 *
 * @throws EXPAND_UNSUPPORTED for a form of an operator that its
 *   expansion does not cover
 */
export function expand(graph: Graph, chosen: (node: Node) => boolean): Graph {
  const found = graph.nodes.some((n) => chosen(n) && expansionOf(n));
  if (!found) return graph;
  const b = GraphBuilder.rewriting(graph, "expand/");
  for (const node of graph.nodes) expandInto(b, node, chosen);
  return b.build();
}

/**
 * Adds a node to a builder, as simpler ones when it is chosen. Those may be
 * composite themselves.
 */
export function expandInto(
  b: GraphBuilder,
  node: Node,
  chosen: (node: Node) => boolean,
): void {
  const expansion = chosen(node) ? expansionOf(node) : undefined;
  if (!expansion) {
    b.append(node);
    return;
  }
  const values = expanded(expansion, b, node);
  node.outputs.forEach((name, i) => {
    const value = values[i];
    if (name && value !== undefined) b.rename(value, name);
  });
}

/**
 * The values of an expansion. One that needs a shape that is not known does
 * not cover the node.
 */
function expanded(expansion: Expansion, b: GraphBuilder, node: Node) {
  try {
    return expansion({ b, node, inputs: node.inputs });
  } catch (error) {
    const isUnknown =
      error instanceof AssayError && error.code === "SHAPE_UNKNOWN";
    throw isUnknown ? cannotExpand(node, error.message, error.hint) : error;
  }
}
