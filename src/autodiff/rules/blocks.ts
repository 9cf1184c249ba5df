import { attribute, fixed, int, string } from "#onnx";
import type { Rule, RuleTable } from "../rule.ts";

/** Moving blocks of pixels into channels is undone by moving them back. */
const spaceToDepth: Rule = ({ b, node, g }) => [
  b.op("DepthToSpace", [g], {
    blocksize: int(attribute(node, "blocksize", "int", 1)),
    mode: string("DCR"),
  }),
];

const depthToSpace: Rule = ({ b, node, x, g }) => {
  const size = attribute(node, "blocksize", "int", 1);
  const mode = attribute(node, "mode", "string", "DCR");
  const dims = fixed(b.rankedDims(x).slice(1));
  if (mode === "DCR" || !dims)
    return [b.op("SpaceToDepth", [g], { blocksize: int(size) })];
  // With columns before rows in the channels, SpaceToDepth would put them
  // in another order.
  const [channels = 1, height = 1, width = 1] = dims;
  const kept = channels / size ** 2;
  const blocks = b.reshape(g, [0, kept, height, size, width, size]);
  const moved = b.transpose(blocks, [0, 1, 3, 5, 2, 4]);
  return [b.reshape(moved, [0, channels, height, width])];
};

export const blocks: RuleTable = {
  SpaceToDepth: spaceToDepth,
  DepthToSpace: depthToSpace,
};
