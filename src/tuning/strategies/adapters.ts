import { z } from "zod";
import { type Random, UsageError } from "#core";
import type { LayerGroup, Model } from "#model";
import {
  floats,
  type Graph,
  GraphBuilder,
  type Node,
  sizeOf,
  type Tensor,
} from "#onnx";
import { defineStrategy, evenly, type Form } from "./strategy.ts";

/**
 * Adapters (Houlsby et al. 2019, arXiv:1902.00751): behind every layer group but the
 * head a bottleneck is added, x + up(relu(down(x))), and only these and the new head
 * are trained. They stay part of the model. Weights begin near zero (a normal
 * distribution of 0.01 cut at two deviations), so training begins near the base. In
 * convolutional networks the bottlenecks are 1x1 convolutions (Rebuffi et al. 2018,
 * arXiv:1803.10082). The paper puts them only behind the two halves of each transformer
 * layer, and its bottleneck is 64 wide.
 */
export const adapters = defineStrategy({
  id: "adapters",
  title: "Adapters",
  summary:
    "Puts a small bottleneck behind every layer group and trains only these and the new head; they stay part of the model.",
  caution:
    "The released graph has more layers than the base, so the base's numbers of time and size do not hold. The paper puts bottlenecks elsewhere in transformers.",
  reference: "Houlsby et al. 2019, arXiv:1902.00751",
  params: z.strictObject({
    width: z
      .int()
      .positive()
      .default(64)
      .describe("width of the bottleneck; no wider than what it stands behind"),
  }),
  form: withAdapters,
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});

const DEVIATION = 0.01;

function withAdapters(
  model: Model,
  groups: readonly LayerGroup[],
  { width }: { width: number },
  random: Random,
): Form {
  const { graph } = model;
  const ends = endsOf(graph, groups.slice(0, -1));
  const b = new GraphBuilder({ ...graph, nodes: [] }, "adapter/");
  const behind = new Map<string, string>();
  const added: LayerGroup[] = [];
  for (const node of graph.nodes) {
    b.append({
      ...node,
      inputs: node.inputs.map((name) => behind.get(name) ?? name),
    });
    const group = ends.get(node);
    const place = group && placeOf(b, node);
    if (!group || !place) continue;
    const parameters = draw(b, group.name, place, width, random);
    behind.set(place.value, bottleneck(b, place, parameters));
    const size = parameters.reduce(
      (sum, p) => sum + sizeOf((b.constantOf(p) as Tensor).dims),
      0,
    );
    added.push({ ...group, parameters, size });
  }
  if (added.length === 0) {
    throw new UsageError(
      "STRATEGY_GROUPS",
      'strategy "adapters" finds no linear layer or convolution before the head to stand behind',
      "Choose another strategy for this model.",
    );
  }
  return {
    model: { ...model, graph: b.build() },
    groups: [...added, ...groups.slice(-1)],
    restore: (tuned) => tuned,
  };
}

/** The last node that reads a weight of each group. */
function endsOf(
  graph: Graph,
  groups: readonly LayerGroup[],
): ReadonlyMap<Node, LayerGroup> {
  const ends = new Map<Node, LayerGroup>();
  for (const group of groups) {
    const own = new Set(group.parameters);
    const last = graph.nodes.findLast((n) => n.inputs.some((i) => own.has(i)));
    if (last) ends.set(last, group);
  }
  return ends;
}

/** A value that a bottleneck stands behind. */
interface Place {
  readonly value: string;
  readonly channels: number;
  /**
   * Whether channels are the second axis, as in convolutional networks,
   * rather than the last.
   */
  readonly first: boolean;
}

const channelsFirst = ["Conv", "ConvTranspose", "BatchNormalization"];
const channelsLast = ["Gemm", "MatMul", "LayerNormalization"];

/** Undefined where the channels of a node's output are not known. */
function placeOf(b: GraphBuilder, node: Node): Place | undefined {
  const value = node.outputs[0] ?? "";
  const bias = node.inputs.map((i) => b.constantOf(i)).find((t) => t);
  const first =
    channelsFirst.includes(node.op) ||
    (node.op === "Add" && (bias?.dims.length ?? 0) >= 3);
  if (!first && node.op !== "Add" && !channelsLast.includes(node.op))
    return undefined;
  const dims = b.dims(value);
  const channels = first ? dims?.[1] : dims?.at(-1);
  return typeof channels === "number" && dims && dims.length >= 2
    ? { value, channels, first: first && dims.length > 2 }
    : undefined;
}

/** New weights of a bottleneck: down, its bias, up, its bias. */
function draw(
  b: GraphBuilder,
  group: string,
  { channels, first }: Place,
  width: number,
  random: Random,
): [string, string, string, string] {
  const narrow = Math.min(width, channels);
  const weight = (to: number, from: number, name: string) => {
    const data = Float32Array.from({ length: to * from }, () =>
      nearZero(random),
    );
    const dims = first ? [to, from, 1, 1] : [from, to];
    return b.constant(floats(dims, data), `${group}.adapter.${name}`);
  };
  const bias = (count: number, name: string) =>
    b.constant(
      floats([count], new Float32Array(count)),
      `${group}.adapter.${name}`,
    );
  return [
    weight(narrow, channels, "down"),
    bias(narrow, "down_bias"),
    weight(channels, narrow, "up"),
    bias(channels, "up_bias"),
  ];
}

function bottleneck(
  b: GraphBuilder,
  { value, first }: Place,
  [down, downBias, up, upBias]: readonly [string, string, string, string],
): string {
  const linear = (x: string, w: string, bias: string) =>
    first ? b.op("Conv", [x, w, bias]) : b.add(b.op("MatMul", [x, w]), bias);
  const inner = b.op("Relu", [linear(value, down, downBias)]);
  return b.add(value, linear(inner, up, upBias));
}

function nearZero(random: Random): number {
  let z = random.normal();
  while (Math.abs(z) > 2) z = random.normal();
  return DEVIATION * z;
}
