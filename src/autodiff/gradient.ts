import { AssayError } from "#core";
import {
  type Dim,
  describeNode,
  expand,
  expansionOf,
  type Graph,
  GraphBuilder,
  mayCapture,
  type Node,
  prune,
  readNames,
} from "#onnx";
import { carriesGradient, requireCarrier } from "./activity.ts";
import { foldNorms } from "./fold-norms.ts";
import { poolFirst } from "./pool-first.ts";
import { type Avoidable, unsupported } from "./rule.ts";
import { rules, withoutGradient } from "./rules/index.ts";
import { smallDepthwise } from "./small-depthwise.ts";
import { splitOnce } from "./split-once.ts";
import { winograd } from "./winograd.ts";

/**
 * A part of a graph that the gradient passes over unchanged, as if it were the identity
 * (BPDA, Athalye et al. 2018).
 */
export interface StraightThrough {
  readonly input: string;
  readonly output: string;
}

export interface GradientOptions {
  /** The value to differentiate. Its elements are summed unless `seed` weights them. */
  readonly of: string;
  /**
   * The values to differentiate with respect to: inputs, constants or any value inside.
   */
  readonly wrt: readonly string[];
  /**
   * A value in the shape of `of` by which its elements are weighted (the cotangent).
   */
  readonly seed?: string;
  readonly straightThrough?: readonly StraightThrough[];
  /** What the engine that will run the graph lacks. */
  readonly avoid?: readonly Avoidable[];
}

export interface Gradient {
  /**
   * The graph with the backward pass added. Its outputs are those it had,
   * then the gradients.
   */
  readonly graph: Graph;
  /** The name of the gradient of each value of `wrt`. */
  readonly gradients: ReadonlyMap<string, string>;
}

/**
 * Adds to a graph the nodes that compute the gradient of a value (reverse
 * mode). The result is an ordinary ONNX graph.
 *
 * The graph must be at opset 18 or above (see `normalise`).
 *
 * @throws GRADIENT_UNSUPPORTED when a node between `wrt` and `of` has no rule
 * @throws GRADIENT_NO_PATH when `of` does not depend smoothly on a value of `wrt`
 */
export function gradient(source: Graph, options: GradientOptions): Gradient {
  const { of, wrt } = options;
  const passed = new Map(
    (options.straightThrough ?? []).map((s) => [s.output, s.input]),
  );
  const kept = new Set([of, ...wrt, options.seed ?? "", ...[...passed].flat()]);
  const expanded = expandActive(source, new Set(wrt), passed);
  const graph = winograd(
    smallDepthwise(
      foldNorms(poolFirst(splitOnce(expanded), kept), wrt, kept),
      wrt,
    ),
    wrt,
  );
  const b = new GraphBuilder(graph, "gradient/");
  requireValues(b, graph, [
    of,
    ...wrt,
    ...(options.seed === undefined ? [] : [options.seed]),
    ...[...passed].flat(),
  ]);

  const active = reachedFrom(b, graph.nodes, new Set(wrt), passed);
  const leading = leadingTo(b, graph.nodes, of, active, passed);
  for (const name of wrt)
    if (!leading.has(name)) throw noPath(graph, b, name, of);

  const pending = new Map<string, string[]>();
  const add = (name: string, gradient: string) => {
    const sum = pending.get(name);
    if (sum) sum.push(gradient);
    else pending.set(name, [gradient]);
  };
  const total = (name: string): string | undefined => {
    const terms = pending.get(name);
    if (!terms) return undefined;
    const sum = terms.length === 1 ? terms[0] : b.op("Sum", terms);
    pending.set(name, [sum as string]);
    return sum;
  };

  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((o) => [o, node] as const)),
  );
  add(of, options.seed ?? ones(b, of));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => active.has(o) && pending.has(o))) continue;
    const gradients = node.outputs.map((output) => {
      const sum = total(output);
      const over = passed.get(output);
      if (sum === undefined || over === undefined) return sum;
      add(over, sum);
      return undefined;
    });
    const g = gradients.find((sum) => sum !== undefined);
    if (g === undefined || isBlocked(node)) continue;
    requireCarrier(b, node, active);
    const { inputs } = node;
    const [x = "", y = ""] = inputs;
    const rule = ruleOf(node);
    const contributions = withShapes(node, () =>
      rule({
        b,
        node,
        inputs,
        x,
        y,
        out: node.outputs[0] ?? "",
        g,
        gradients,
        needs: (i) => active.has(inputs[i] ?? ""),
        makerOf: (value) => makers.get(value),
        avoid: options.avoid ?? [],
      }),
    );
    inputs.forEach((name, i) => {
      if (!active.has(name)) return;
      const contribution = contributions[i];
      if (contribution === null) return;
      // Left out, it would make the sum wrong without a word.
      if (contribution === undefined) {
        throw unsupported(
          node,
          `no rule for its input ${i}, "${name}"`,
          "Attacks that need no gradients still work; for the others, export the model so that this input is a constant.",
        );
      }
      add(name, sumToShape(b, contribution, name));
    });
  }

  const gradients = new Map<string, string>();
  for (const name of wrt) {
    const sum = total(name);
    if (sum === undefined) throw noPath(graph, b, name, of);
    gradients.set(name, sum);
  }
  return {
    graph: prune(
      b.build([
        ...new Set([
          ...graph.outputs.map((o) => o.name),
          ...gradients.values(),
        ]),
      ]),
    ),
    gradients,
  };
}

/**
 * Writes composite nodes without a rule as simpler ones, where a gradient
 * passes through them.
 */
function expandActive(
  graph: Graph,
  wrt: ReadonlySet<string>,
  passed: ReadonlyMap<string, string>,
): Graph {
  const composite = (node: Node) => !hasRule(node) && expansionOf(node);
  if (!graph.nodes.some(composite)) return graph;
  const b = new GraphBuilder(graph);
  const active = reachedFrom(b, graph.nodes, wrt, passed);
  const chosen = new Set(
    graph.nodes.filter(
      (node) => composite(node) && node.outputs.some((o) => active.has(o)),
    ),
  );
  if (chosen.size === 0) return graph;
  try {
    const simpler = expand(graph, (node) => chosen.has(node));
    // What they are written with may be composite again.
    return expandActive(simpler, wrt, passed);
  } catch (error) {
    const refused =
      error instanceof AssayError && error.code === "EXPAND_UNSUPPORTED";
    if (!refused) throw error;
    throw new AssayError(
      "GRADIENT_UNSUPPORTED",
      `no gradient: ${error.message}`,
      error.hint,
      { cause: error },
    );
  }
}

function requireValues(
  b: GraphBuilder,
  graph: Graph,
  names: readonly string[],
): void {
  const made = new Set(graph.nodes.flatMap((n) => n.outputs));
  for (const name of names) {
    const exists =
      made.has(name) ||
      b.constantOf(name) !== undefined ||
      graph.inputs.some((i) => i.name === name);
    if (!exists) {
      throw new AssayError(
        "GRAPH_NO_VALUE",
        `the graph has no value named "${name}"`,
        "Run `assay inspect` on the model to see its inputs, outputs and parameters.",
      );
    }
  }
}

/** Every value that depends smoothly on the given ones. */
function reachedFrom(
  b: GraphBuilder,
  nodes: readonly Node[],
  from: ReadonlySet<string>,
  passed: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const reached = new Set(from);
  for (const node of nodes) {
    const flows =
      !isBlocked(node) &&
      readBy(node, reached).some((name) => reached.has(name));
    for (const output of node.outputs) {
      const over = passed.get(output);
      const reaches = over === undefined ? flows : reached.has(over);
      if (output && reaches && carriesGradient(b, node, output, reached))
        reached.add(output);
    }
  }
  return reached;
}

/** The active values on which one depends smoothly, and itself. */
function leadingTo(
  b: GraphBuilder,
  nodes: readonly Node[],
  of: string,
  active: ReadonlySet<string>,
  passed: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const leading = new Set([of]);
  for (const node of nodes.toReversed())
    for (const output of node.outputs) {
      if (!leading.has(output) || !active.has(output)) continue;
      const over = passed.get(output);
      if (over !== undefined) leading.add(over);
      else if (!isBlocked(node))
        for (const name of readBy(node, active))
          if (
            active.has(name) &&
            carriesGradient(b, node, output, new Set([name]))
          )
            leading.add(name);
    }
  return leading;
}

/** What a node reads; of a body that stays encoded, which of some values it may. */
function readBy(node: Node, among: ReadonlySet<string>): readonly string[] {
  const isOpaque = Object.values(node.attributes).some(
    (a) => a.kind === "opaque",
  );
  const names = readNames(node);
  return isOpaque
    ? [...names, ...[...among].filter((name) => mayCapture(node, name))]
    : names;
}

const isBlocked = (node: Node) =>
  node.domain === "" && withoutGradient.has(node.op);

const hasRule = (node: Node) =>
  node.domain === "" && Object.hasOwn(rules, node.op);

/** Says of a rule that needs a shape which nobody knows that there is no gradient. */
function withShapes<T>(node: Node, rule: () => T): T {
  try {
    return rule();
  } catch (error) {
    const isUnknown =
      error instanceof AssayError && error.code === "SHAPE_UNKNOWN";
    throw isUnknown ? unsupported(node, error.message, error.hint) : error;
  }
}

function ruleOf(node: Node) {
  const rule = hasRule(node) ? rules[node.op] : undefined;
  if (rule) return rule;
  throw new AssayError(
    "GRADIENT_UNSUPPORTED",
    `no gradient rule for ${describeNode(node)}`,
    "Attacks that need no gradients still work; for the others, export the model without this operator or add a rule (docs/extending.md).",
  );
}

function noPath(
  graph: Graph,
  b: GraphBuilder,
  name: string,
  of: string,
): AssayError {
  const all = new Set([name]);
  const walls: string[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => all.has(input))) continue;
    const carries = (o: string) => o && carriesGradient(b, node, o, all);
    if (isBlocked(node) || !node.outputs.some(carries)) {
      walls.push(describeNode(node));
    }
    for (const output of node.outputs) all.add(output);
  }
  const why = all.has(of)
    ? `every path passes an operator without a gradient${walls.length ? `: ${walls.slice(0, 3).join(", ")}` : ""}`
    : "it does not depend on it at all";
  return new AssayError(
    "GRADIENT_NO_PATH",
    `no gradient of "${of}" with respect to "${name}": ${why}`,
    "Use attacks that need no gradients, or export the model without that operator.",
  );
}

function ones(b: GraphBuilder, name: string): string {
  const zeros = b.zeros(b.shapeOf(name), name);
  return b.add(zeros, 1);
}

/**
 * Sums a gradient over the axes along which an operand of `name`'s shape was broadcast.
 */
function sumToShape(b: GraphBuilder, g: string, name: string): string {
  const from = b.dims(g);
  const to = b.dims(name);
  if (!from || !to) return sumToShapeAtRunTime(b, g, name);
  const lead = from.length - to.length;
  const axes: number[] = [];
  for (let i = 0; i < from.length; i++) {
    const d = from[i] as Dim;
    const target = i < lead ? 1 : (to[i - lead] as Dim);
    if (target === d && target !== null) {
      if (i < lead) axes.push(i);
    } else if (target === 1) {
      axes.push(i);
    } else if (typeof d !== "number" || typeof target !== "number") {
      return sumToShapeAtRunTime(b, g, name);
    }
  }
  if (axes.length === 0 && lead === 0) return g;
  const kept = axes.filter((axis) => axis >= lead);
  const summed = kept.length > 0 ? b.reduceSum(g, kept, true) : g;
  const leading = Array.from({ length: lead }, (_, i) => i);
  return lead > 0 ? b.reduceSum(summed, leading) : summed;
}

/** The same when shapes are only known as the model runs. */
function sumToShapeAtRunTime(b: GraphBuilder, g: string, name: string): string {
  const shape = b.shapeOf(name);
  const full = b.shapeOf(g);
  const lead = b.sub(b.op("Size", [full]), b.op("Size", [shape]));
  const before = b.op("ConstantOfShape", [b.reshape(lead, [1])], {
    value: {
      kind: "tensor",
      value: { type: "int64", dims: [1], data: BigInt64Array.of(1n) },
    },
  });
  const aligned = b.concat([before, shape], 0);
  const stretched = b.and(
    b.equal(aligned, b.ints([1])),
    b.op("Not", [b.equal(full, b.ints([1]))]),
  );
  const axes = b.reshape(b.op("NonZero", [stretched]), [-1]);
  const summed = b.op("ReduceSum", [g, axes], {
    keepdims: { kind: "int", value: 1 },
    noop_with_empty_axes: { kind: "int", value: 1 },
  });
  return b.reshape(summed, shape);
}
