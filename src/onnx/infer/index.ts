import type { Node } from "../graph.ts";
import { classicalOps } from "./classical.ts";
import { controlFlowOps } from "./control-flow.ts";
import { drawingOps } from "./drawing.ts";
import { elementwiseOps } from "./elementwise.ts";
import { indexingOps } from "./indexing.ts";
import { contextOf, type InferTable, type Known } from "./known.ts";
import { layerOps } from "./layers.ts";
import { movingOps } from "./moving.ts";
import { quantisedOps } from "./quantised.ts";
import { reductionOps } from "./reductions.ts";
import { samplingOps } from "./sampling.ts";
import { shapeOps } from "./shapes.ts";

const table: InferTable = {
  ...controlFlowOps,
  ...elementwiseOps,
  ...layerOps,
  ...reductionOps,
  ...shapeOps,
  ...movingOps,
  ...samplingOps,
  ...indexingOps,
  ...quantisedOps,
  ...drawingOps,
  ...classicalOps,
};

/**
 * What can be known of each output of a node without running it: element
 * type, shape with symbolic dimensions, and the contents of small integer
 * tensors. An operator that is not in the table yields nothing known.
 *
 * @param known what is known of each input, `{}` for an absent one
 */
export function inferNode(
  node: Node,
  known: readonly Known[],
): readonly Known[] {
  const key = node.domain === "" ? node.op : `${node.domain}.${node.op}`;
  const rule = Object.hasOwn(table, key) ? table[key] : undefined;
  return rule ? rule(contextOf(node, known)) : [];
}

export { type Known, knownConstant } from "./known.ts";
export { sliceRange } from "./moving.ts";
export { castTypes } from "./shapes.ts";
