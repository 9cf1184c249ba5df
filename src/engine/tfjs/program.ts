import { AssayError, messageOf } from "#core";
import {
  type DataType,
  describeNode,
  expand,
  expansionOf,
  type Graph,
  GraphBuilder,
  type Node,
  prune,
} from "#onnx";
import type { Feeds } from "../engine.ts";
import {
  cannotRun,
  type Kernel,
  type TensorFlow,
  type TfTensor,
  untaped,
} from "./kernel.ts";
import { kernels, withoutSlope } from "./ops/index.ts";
import { heldAs, MAX_RANK, toTf } from "./values.ts";

/** A graph in the form in which it is run. */
export interface Program {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly typeOf: (name: string) => DataType;
}

/** One node, with what can be told of it before it runs. */
export interface Step {
  readonly node: Node;
  readonly kernel: Kernel;
  readonly inTypes: readonly DataType[];
  readonly outTypes: readonly DataType[];
  readonly opset: number;
  /** Whether a gradient may pass. */
  readonly smooth: boolean;
}

/** Values by name while a graph runs. */
export type Values = Map<string, TfTensor>;

const hasKernel = (node: Node) =>
  node.domain === "" && Object.hasOwn(kernels, node.op);

/**
 * Prepares a graph: composite operators are written as simpler ones, and every
 * node gets its kernel.
 *
 * @throws ENGINE_LOAD for operators and types that TensorFlow.js cannot run
 */
export function programOf(source: Graph): Program {
  let graph = prune(source);
  try {
    // What they are written with may be composite again.
    for (let depth = 0; depth < 8; depth++) {
      if (!graph.nodes.some((n) => !hasKernel(n) && expansionOf(n))) break;
      graph = prune(expand(graph, (node) => !hasKernel(node)));
    }
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw refused(source, error.message, error.hint);
  }
  const unknown = graph.nodes.filter((node) => !hasKernel(node));
  if (unknown.length > 0) {
    const named = [...new Set(unknown.map(describeNode))];
    const more = named.length > 5 ? ` and ${named.length - 5} more` : "";
    throw refused(
      source,
      `no kernel for ${named.slice(0, 5).join(", ")}${more}`,
    );
  }
  const b = new GraphBuilder(graph);
  for (const node of graph.nodes) {
    for (const name of node.outputs.filter(Boolean)) {
      const type = b.type(name);
      if (!heldAs(type))
        throw refused(source, `${describeNode(node)} makes a ${type}`);
    }
  }
  const opset = graph.opsets.get("") ?? 0;
  return {
    graph,
    typeOf: (name) => b.type(name),
    steps: graph.nodes.map((node) => ({
      node,
      kernel: kernels[node.op]!,
      inTypes: node.inputs.map((name) => b.type(name)),
      outTypes: node.outputs.map((name) => b.type(name)),
      opset,
      smooth: !withoutSlope.has(node.op),
    })),
  };
}

const refused = (graph: Graph, what: string, hint?: string) =>
  new AssayError(
    "ENGINE_LOAD",
    `TensorFlow.js cannot run ${graph.name || "the graph"}: ${what}`,
    hint ?? "Use the engine onnxruntime for this model.",
  );

/**
 * The constants of a graph, to be disposed of by whoever asked. Bounds of slices may
 * be beyond 32 bits.
 */
export function constantsOf(tf: TensorFlow, { graph }: Program): Values {
  const bounds = new Set(
    graph.nodes.flatMap((n) => (n.op === "Slice" ? n.inputs.slice(1, 3) : [])),
  );
  return new Map(
    [...graph.constants].map(([name, t]) => [
      name,
      toTf(tf, t, name, bounds.has(name)),
    ]),
  );
}

/** The fed inputs as tensors. Throws ENGINE_FEED for one that is not there. */
export function fedTo(
  tf: TensorFlow,
  { graph }: Program,
  feeds: Feeds,
): Values {
  return new Map(
    graph.inputs.map(({ name }) => {
      const fed = feeds[name];
      if (fed) return [name, toTf(tf, fed, name)];
      throw new AssayError(
        "ENGINE_FEED",
        `input "${name}" was not fed`,
        "Feed every input of the graph.",
      );
    }),
  );
}

/** Runs one node on the values that are there, and adds what it makes. */
export function runStep(tf: TensorFlow, step: Step, values: Values): void {
  const { node, kernel, inTypes, outTypes, opset } = step;
  const x = node.inputs.map((name) => (name ? values.get(name) : undefined));
  const compute = () => {
    const made = kernel({ tf, node, x, inTypes, outTypes, opset });
    // Every value is disposed of by itself, so that none may stand for two.
    return [made].flat().map((t) => (t && x.includes(t) ? tf.clone(t) : t));
  };
  const taped = step.smooth && x.some((t) => t?.dtype === "float32");
  let outputs: readonly (TfTensor | undefined)[];
  try {
    outputs = taped ? compute() : untaped(tf, compute);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw cannotRun(node, messageOf(error).split("\n")[0] ?? "");
  }
  node.outputs.forEach((name, i) => {
    if (!name) return;
    const made = outputs[i];
    if (!made) throw cannotRun(node, `it has no output ${i} here`);
    if (made.shape.length > MAX_RANK)
      throw cannotRun(
        node,
        `its output has ${made.shape.length} axes, TensorFlow.js takes ${MAX_RANK} at most`,
      );
    values.set(name, made);
  });
}
