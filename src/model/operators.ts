import { rules, withoutGradient } from "#autodiff";
import { AssayError } from "#core";
import {
  expand,
  expansionOf,
  type Graph,
  GraphBuilder,
  type Node,
} from "#onnx";
import type { Model } from "./model.ts";
import { smoothly } from "./signal.ts";

/** The operators of a model, as gradients see them. */
export interface Operators {
  /**
   * Without a gradient rule, between the input and the logits: no gradient
   * can be computed.
   */
  readonly unsupported: readonly string[];
  /**
   * Between the input and the logits, where the result moves in steps and no
   * gradient passes.
   */
  readonly steps: readonly string[];
  /** Steps that gradients pass over as if they were not there. */
  readonly passedOver: readonly string[];
  /**
   * Without a gradient, where none is needed: shapes, conditions, what comes
   * after the logits.
   */
  readonly offTheWay: readonly string[];
}

/**
 * How many nodes of each operator there are; those of other domains as
 * `domain.Operator`.
 */
export function countOperators(nodes: readonly Node[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const name = nameOf(node);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

const nameOf = ({ op, domain }: Node) => (domain ? `${domain}.${op}` : op);

/**
 * Operators whose result is a number that moves in steps; the others without a gradient
 * decide or measure.
 */
const stepOps: ReadonlySet<string> = new Set(
  "ArgMax ArgMin Bernoulli Ceil Floor Hardmax Multinomial Round Sign".split(
    " ",
  ),
);

/**
 * Sorts the operators of a model by whether gradients meet them.
 *
 * @param whole the normalised graph of the file, with what comes after the logits
 */
export function operatorsOf(model: Model, whole: Graph): Operators {
  const { graph } = model;
  const b = new GraphBuilder(graph);
  const active = activeFrom(model, b);
  const smooth = smoothly(graph, b);
  const needed = neededFor(graph);
  const passed = passedBy(model);
  const onTheWay = graph.nodes.filter(
    (n) =>
      n.inputs.some((i) => active.has(i)) &&
      n.outputs.some((o) => smooth.has(o)),
  );
  const steps = graph.nodes.filter(
    (n) =>
      isStep(n) &&
      n.inputs.some((i) => active.has(i)) &&
      n.outputs.some((o) => needed.has(o)),
  );
  const [over, through] = [
    steps.filter((n) => passed.has(n)),
    steps.filter((n) => !passed.has(n)),
  ];
  const unsupported = onTheWay.filter(
    (n) => !isBlocked(n) && !hasGradient(n, graph),
  );
  const met = new Set([...unsupported, ...steps].map(nameOf));
  const without = [...whole.nodes, ...graph.nodes].filter(
    (n) => isBlocked(n) || (!hasRule(n) && !expansionOf(n)),
  );
  return {
    unsupported: names(unsupported),
    steps: names(through),
    passedOver: names(over),
    offTheWay: names(without).filter((name) => !met.has(name)),
  };
}

/**
 * What can be said of a graph of which no model could be made: operators without a rule
 * may be in the way.
 */
export function operatorsOfGraph(graph: Graph): Operators {
  const unknown = graph.nodes.filter(
    (n) => !isBlocked(n) && !hasGradient(n, graph),
  );
  return {
    unsupported: names(unknown),
    steps: [],
    passedOver: [],
    offTheWay: names(graph.nodes.filter(isBlocked)),
  };
}

const names = (nodes: readonly Node[]) =>
  [...new Set(nodes.map(nameOf))].sort();

const isBlocked = (node: Node) =>
  node.domain === "" && withoutGradient.has(node.op);
const isStep = (node: Node) => node.domain === "" && stepOps.has(node.op);
const hasRule = (node: Node) =>
  node.domain === "" && Object.hasOwn(rules, node.op);

/** Whether a node has a rule, or can be written as nodes that have one. */
function hasGradient(node: Node, graph: Graph): boolean {
  if (hasRule(node)) return true;
  if (!expansionOf(node)) return false;
  try {
    expand(graph, (n) => n === node);
    return true;
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "EXPAND_UNSUPPORTED")
      throw error;
    return false;
  }
}

/** The nodes between the ends of what gradients go straight through. */
function passedBy({ graph, straightThrough }: Model): ReadonlySet<Node> {
  const makers = new Map(
    graph.nodes.flatMap((n) => n.outputs.map((o) => [o, n])),
  );
  const passed = new Set<Node>();
  for (const { input, output } of straightThrough) {
    const wanted = [output];
    for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
      const node = name === input ? undefined : makers.get(name);
      if (!node || passed.has(node)) continue;
      passed.add(node);
      wanted.push(...node.inputs);
    }
  }
  return passed;
}

/** The values that depend smoothly on the point where gradients are taken. */
function activeFrom(model: Model, b: GraphBuilder): ReadonlySet<string> {
  const active = new Set([model.embedding ?? model.input]);
  const passed = new Map(model.straightThrough.map((s) => [s.output, s.input]));
  for (const node of model.graph.nodes) {
    const flows =
      !isBlocked(node) && node.inputs.some((name) => active.has(name));
    const carries = (o: string) =>
      b.type(o).startsWith("float") ||
      /quantize|QLinear|Integer/i.test(node.op);
    for (const o of node.outputs) {
      const over = passed.get(o);
      const reaches =
        over === undefined ? flows && carries(o) : active.has(over);
      if (o && reaches) active.add(o);
    }
  }
  return active;
}

/** The values that the outputs depend on in any way but by their shape. */
function neededFor(graph: Graph): ReadonlySet<string> {
  const needed = new Set(graph.outputs.map((o) => o.name));
  for (const node of [...graph.nodes].reverse()) {
    if (node.op === "Shape" || node.op === "Size") continue;
    if (!node.outputs.some((o) => needed.has(o))) continue;
    for (const name of node.inputs) needed.add(name);
  }
  return needed;
}
