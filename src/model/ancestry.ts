import type { Node, Subgraph } from "#onnx";

/** Whether a node has weights that it multiplies by. */
export const isLayer = (node: Node) =>
  /^(Conv|Gemm|MatMul|QLinear)/.test(node.op);

/** The node that makes each value. */
export type Makers = ReadonlyMap<string, Node>;

export function makersOf(graph: Subgraph): Makers {
  return new Map(
    graph.nodes.flatMap((n) => n.outputs.map((o) => [o, n] as const)),
  );
}

/** Whether a value is computed from another by way of a node that `passes`. */
export function comesFrom(
  value: string,
  source: string,
  makers: Makers,
  passes: (node: Node) => boolean,
): boolean {
  const seen = new Set<string>();
  const open: [string, boolean][] = [[value, false]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [name, passed] = next;
    if (name === source && passed) return true;
    const key = `${passed} ${name}`;
    const node = makers.get(name);
    if (!node || seen.has(key)) continue;
    seen.add(key);
    for (const input of node.inputs) open.push([input, passed || passes(node)]);
  }
  return false;
}

/**
 * Whether two values are made of one by layers each: a residual whose own
 * branch has a layer.
 */
export function haveCommonSource(
  x: string,
  y: string,
  makers: Makers,
): boolean {
  const below = sourcesOf(x, makers);
  return [...sourcesOf(y, makers)].some((name) => below.has(name));
}

/** As far back as a residual goes: a bottleneck has three layers, with gates five. */
const FURTHEST = 5;

/** The values from which another is computed by way of one to five layers. */
function sourcesOf(value: string, makers: Makers): ReadonlySet<string> {
  const seen = new Set<string>();
  const sources = new Set<string>();
  const open: [string, number][] = [[value, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [name, layers] = next;
    const node = makers.get(name);
    const key = `${layers} ${name}`;
    if (!node || seen.has(key) || layers > FURTHEST) continue;
    seen.add(key);
    if (layers > 0) sources.add(name);
    const more = layers + (isLayer(node) ? 1 : 0);
    for (const input of node.inputs) open.push([input, more]);
  }
  return sources;
}
