import { AssayError, messageOf } from "#core";
import type { Graph } from "#onnx";
import type {
  Differentiated,
  Feeds,
  GradientRequest,
  StraightPart,
} from "../engine.ts";
import type { TensorFlow, TfTensor } from "./kernel.ts";
import {
  constantsOf,
  fedTo,
  type Program,
  programOf,
  runStep,
  type Step,
  type Values,
} from "./program.ts";
import { heldAs, readAll } from "./values.ts";

/**
 * A session that computes the outputs of a graph and the gradient of the sum
 * of a value, by the tape of TensorFlow.js: the independent check of our own
 * gradient graphs.
 *
 * @throws ENGINE_LOAD, GRAPH_NO_VALUE or GRADIENT_NO_PATH; its runs throw
 *   GRADIENT_UNSUPPORTED and GRADIENT_NO_PATH too
 */
export function differentiated(
  tf: TensorFlow,
  source: Graph,
  request: GradientRequest,
): Differentiated {
  const program = programOf(reaching(source, request));
  const plan = planOf(program, source, request);
  const constants = constantsOf(tf, program);
  const names = source.outputs.map((o) => o.name);
  const gradients = new Map(
    request.wrt.map((name) => [name, `gradient/${name}`]),
  );
  return {
    gradients,
    session: {
      async run(feeds) {
        const run = { tf, program, plan, request, constants, feeds };
        const found = tf.tidy(() => taped(run, names));
        return readAll(
          [...names, ...gradients.values()],
          (name) => (names.includes(name) ? program.typeOf(name) : "float32"),
          found,
        );
      },
      async release() {
        tf.dispose([...constants.values()]);
        constants.clear();
      },
    },
  };
}

/** The graph that computes what is differentiated beside its outputs. */
function reaching(graph: Graph, { of, seed }: GradientRequest): Graph {
  const there = new Set(graph.outputs.map((o) => o.name));
  const more = [of, ...(seed ? [seed] : [])].filter((n) => !there.has(n));
  return {
    ...graph,
    outputs: [
      ...graph.outputs,
      ...more.map((name) => ({ name, type: "float32" as const })),
    ],
  };
}

/** What runs before the tape and on it. */
interface Plan {
  readonly before: readonly Step[];
  readonly after: readonly Step[];
  /** Values of `wrt` with which the tape begins; it meets the others on its way. */
  readonly leaves: readonly string[];
  readonly passed: ReadonlyMap<string, string>;
}

function planOf(
  { graph, steps }: Program,
  source: Graph,
  { of, wrt, straightThrough = [] }: GradientRequest,
): Plan {
  const made = new Set(steps.flatMap((s) => s.node.outputs));
  const given = (name: string) =>
    graph.constants.has(name) || graph.inputs.some((i) => i.name === name);
  for (const name of [of, ...wrt]) {
    if (!made.has(name) && !given(name)) throw absent(source, name, of);
  }
  const passed = new Map(
    straightThrough.map((s: StraightPart) => [s.output, s.input]),
  );
  for (const name of wrt) {
    if (!smoothlyReached(steps, name, passed).has(of)) throw noPath(name, of);
  }
  const leaves = wrt.filter((name) => !made.has(name));
  const reached = new Set(leaves);
  const before: Step[] = [];
  const after: Step[] = [];
  for (const step of steps) {
    const { inputs, outputs } = step.node;
    const depends =
      inputs.some((name) => reached.has(name)) ||
      outputs.some((name) => reached.has(passed.get(name) ?? ""));
    (depends ? after : before).push(step);
    for (const name of outputs) {
      if (depends) reached.add(name);
      else if (wrt.includes(name)) {
        leaves.push(name);
        reached.add(name);
      }
    }
  }
  return { before, after, leaves, passed };
}

/** Every value that depends on one by operators with a gradient. */
function smoothlyReached(
  steps: readonly Step[],
  from: string,
  passed: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const reached = new Set([from]);
  for (const { node, smooth, inTypes, outTypes } of steps) {
    const operands = node.inputs.flatMap((name, i) =>
      reached.has(name) ? [inTypes[i]] : [],
    );
    node.outputs.forEach((name, i) => {
      const over = passed.get(name);
      const type = outTypes[i]!;
      // Integers have one where a QuantizeLinear made them.
      const carries =
        heldAs(type) === "float32" ||
        (type === "int32" && operands.some((t) => t !== "float32"));
      const flows = smooth && carries && operands.length > 0;
      if (over === undefined ? flows : reached.has(over)) reached.add(name);
    });
  }
  return reached;
}

interface Run {
  readonly tf: TensorFlow;
  readonly program: Program;
  readonly plan: Plan;
  readonly request: GradientRequest;
  readonly constants: Values;
  readonly feeds: Feeds;
}

/** The values of `names`, then the gradients; inside of a tidy. */
function taped(run: Run, names: readonly string[]): TfTensor[] {
  const { tf, program, plan, request, constants, feeds } = run;
  const values: Values = new Map(constants);
  for (const [name, t] of fedTo(tf, program, feeds)) values.set(name, t);
  for (const step of plan.before) runStep(tf, step, values);
  // The tape is tidied up when it is done, except for what is kept.
  const kept = new Map<string, TfTensor>();
  const met = new Map<string, TfTensor>();
  const forward = (...leaves: TfTensor[]) => {
    plan.leaves.forEach((name, i) => {
      values.set(name, leaves[i]!);
    });
    for (const step of plan.after) {
      runStep(tf, step, values);
      for (const name of step.node.outputs) {
        passOver(tf, values, name, plan.passed.get(name));
        if (request.wrt.includes(name)) listen(tf, values, name, met);
      }
    }
    for (const name of names)
      kept.set(name, tf.keep(tf.clone(values.get(name) as TfTensor)));
    const y = values.get(request.of) as TfTensor;
    const seed = request.seed && values.get(request.seed);
    return tf.sum(seed ? tf.mul(y, seed) : y) as never;
  };
  const leaves = plan.leaves.map((name) => values.get(name) as TfTensor);
  try {
    const { grads } = tf
      .engine()
      .gradients(() => forward(...leaves), leaves, undefined, true);
    const gradients = request.wrt.map((name) => {
      const found = met.get(name) ?? grads[plan.leaves.indexOf(name)];
      // The operators on its way have a gradient, but not between these
      // of their values.
      return found ?? tf.zerosLike(values.get(name) as TfTensor);
    });
    return [...names.map((name) => kept.get(name) as TfTensor), ...gradients];
  } catch (error) {
    tf.dispose([...kept.values(), ...met.values()]);
    throw explained(error);
  }
}

/** Lets the gradient of a value go to another one unchanged. */
function passOver(
  tf: TensorFlow,
  values: Values,
  output: string,
  over: string | undefined,
): void {
  if (over === undefined) return;
  const value = values.get(output) as TfTensor;
  const through = tf.customGrad(() => ({
    value: tf.clone(value),
    gradFunc: (dy: TfTensor) => tf.clone(dy),
  }));
  values.set(output, through(values.get(over) as TfTensor));
}

/** Keeps the gradient of a value as it comes by. */
function listen(
  tf: TensorFlow,
  values: Values,
  name: string,
  met: Map<string, TfTensor>,
): void {
  const through = tf.customGrad((x) => ({
    value: tf.clone(x as TfTensor),
    gradFunc: (dy: TfTensor) => {
      met.set(name, tf.keep(tf.clone(dy)));
      return tf.clone(dy);
    },
  }));
  values.set(name, through(values.get(name) as TfTensor));
}

function absent(source: Graph, name: string, of: string): AssayError {
  const exists =
    source.constants.has(name) ||
    source.inputs.some((i) => i.name === name) ||
    source.nodes.some((n) => n.outputs.includes(name));
  return exists
    ? noPath(name, of)
    : new AssayError(
        "GRAPH_NO_VALUE",
        `the graph has no value named "${name}"`,
        "Run `assay inspect` on the model to see its inputs, outputs and parameters.",
      );
}

const noPath = (name: string, of: string) =>
  new AssayError(
    "GRADIENT_NO_PATH",
    `no gradient of "${of}" with respect to "${name}": every path passes an operator without a gradient`,
    "Use attacks that need no gradients, or export the model without that operator.",
  );

/** An error of the tape in our words. */
function explained(error: unknown): unknown {
  if (error instanceof AssayError) return error;
  const message = messageOf(error).split("\n")[0] ?? "";
  return new AssayError(
    "GRADIENT_UNSUPPORTED",
    `no gradient by TensorFlow.js: ${message}`,
    "Attacks that need no gradients still work; for the others, use the engine onnxruntime.",
    { cause: error },
  );
}
