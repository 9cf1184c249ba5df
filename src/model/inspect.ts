import { AssayError, nearest, Random } from "#core";
import type { Engine } from "#engine";
import {
  type Graph,
  normalise,
  type Subgraph,
  sizeOf,
  toFloat32,
  type ValueInfo,
} from "#onnx";
import { contractSchema } from "./contract.ts";
import { cutsOf } from "./cuts.ts";
import { type Family, familyOf } from "./family.ts";
import { featuresOf } from "./features.ts";
import { replaceHead } from "./head.ts";
import { groupWeights, type LayerGroup } from "./layers.ts";
import { type LoadModelOptions, openAsRead } from "./load.ts";
import type { Model } from "./model.ts";
import { notesOf } from "./notes.ts";
import {
  countOperators,
  type Operators,
  operatorsOf,
  operatorsOfGraph,
} from "./operators.ts";
import { readGraphInPlace } from "./read.ts";
import { type Reading, readingOf } from "./reading.ts";
import { checkGradient, type SelfCheck } from "./self-check.ts";
import { type Stored, storedIn } from "./stored.ts";
import { isPlaced } from "./tasks/index.ts";
import { findWeights } from "./weights.ts";

/** Something that keeps a model from being audited or trained. */
export interface Problem {
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** What can be said of a model file. */
export interface Inspection {
  readonly file: string;
  readonly producer: string;
  readonly opset: number;
  readonly family: Family;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** How it was read; null when it could not be. */
  readonly reading: Reading | null;
  /** Names of the outputs. */
  readonly classes: readonly string[] | null;
  /**
   * What the outputs mean: one class, labels that hold by themselves, values, or a
   * class at each position.
   */
  readonly task:
    | "classes"
    | "multi-label"
    | "regression"
    | "positions"
    | "ctc"
    | "lm"
    | null;
  readonly bounds: readonly [number, number] | null;
  /** From input to output. The last is the head. */
  readonly groups: readonly LayerGroup[];
  /**
   * Names of the layer groups behind which a new head can be put, from input to output.
   */
  readonly cuts: readonly string[];
  /** Numbers in all weights and statistics. */
  readonly parameters: number;
  /** Numbers in all groups. */
  readonly trainable: number;
  readonly stored: Stored;
  /** Of the file, by name. */
  readonly operators: Readonly<Record<string, number>>;
  readonly gradient: Operators & {
    /**
     * Whether there is one, it is not zero everywhere, and it agrees with finite
     * differences but for rounding to eight bits or to pixels.
     */
    readonly supported: boolean;
    /** Against finite differences; null when no gradient could be computed. */
    readonly selfCheck: SelfCheck | null;
  };
  /** A sentence each: what was assumed, changed or left out. */
  readonly notes: readonly string[];
  /** Why the model cannot be audited as it is; empty when it can. */
  readonly problems: readonly Problem[];
}

/**
 * Reads a model and tries its gradient. Throws what `readGraph` throws. Other obstacles
 * are told in `problems`.
 */
export async function inspectModel(
  path: string,
  engine: Engine,
  options: LoadModelOptions = {},
): Promise<Inspection> {
  const file = readGraphInPlace(path);
  const problems: Problem[] = [];
  const plain = toFloat32(file);
  const read = await attempt(problems, () => openAsRead(file, path, options));
  // One that cannot be brought to a newer opset has been refused.
  const whole = read ? normalise(plain) : normalisedOr(plain);
  const model = read?.model;
  const graph = model?.graph ?? whole;
  const weights = findWeights(graph);
  const groups = groupWeights(weights, graph);
  const trainable = groups.reduce((sum, g) => sum + g.size, 0);
  const stored = storedIn(file, whole);
  const family = familyOf(featuresOf(file, whole));
  const reading = read ? readingOf(read, whole, path, options) : null;
  const operators = model ? operatorsOf(model, whole) : operatorsOfGraph(whole);
  problems.push(...unusedFillings(file, options));
  // Rounding moves a loss in steps, which the gradient passes over.
  const rounds = stored.eightBits > 0 || operators.passedOver.length > 0;
  const selfCheck = model
    ? await tryGradient(model, operators, { engine, problems, rounds })
    : null;
  const supported =
    selfCheck !== null && (selfCheck.agrees || (rounds && isUseful(selfCheck)));
  return {
    file: path,
    producer: file.producer,
    opset: file.opsets.get("") ?? 0,
    family,
    inputs: file.inputs,
    outputs: file.outputs,
    reading,
    classes: model?.classes ?? null,
    task: model ? kindOf(model) : null,
    bounds: model?.contract.bounds ?? null,
    groups,
    cuts: model ? cutsOf(model.graph).map(({ group }) => group) : [],
    parameters:
      countParameters(whole, groups) +
      numbersInBodies(whole) +
      stored.eightBits,
    trainable,
    stored,
    operators: countOperators(file.nodes.filter((n) => n.op !== "Constant")),
    gradient: { ...operators, supported, selfCheck },
    notes: notesOf({
      reading,
      stored,
      operators,
      supported,
      left: weights.left,
      // With its other inputs filled, a model may have taken one of its ways.
      inBodies: numbersInBodies(graph),
      trainable,
      headProblem: model ? headProblem(model) : null,
    }),
    problems,
  };
}

const kindOf = ({ task }: Model) =>
  task === undefined || task.kind === "binary" ? "classes" : task.kind;

/** The result, or undefined and a problem more. */
async function attempt<T>(
  problems: Problem[],
  run: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    problems.push(problemOf(error));
    return undefined;
  }
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof AssayError)) throw error;
  // The loss is ours. Its name says nothing to a reader.
  const message = error.message.replace('"assay.loss"', "the loss");
  return { message, hint: error.hint };
}

/** The graph in our dialect, or as it is where there is no way. */
function normalisedOr(graph: Graph): Graph {
  try {
    return normalise(graph);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return graph;
  }
}

/** Whether there is a gradient, right or not. */
const isUseful = ({ zeroAt, points, maxRelativeError }: SelfCheck) =>
  zeroAt < points && !Number.isNaN(maxRelativeError);

/** What was stated for inputs that the model does not have. */
function unusedFillings(file: Graph, { input }: LoadModelOptions): Problem[] {
  const names = file.inputs.map((i) => i.name);
  const { others } = contractSchema.parse(input ?? {});
  return [...others.keys()]
    .filter((name) => !names.includes(name))
    .map((name) => {
      const close = nearest(name, names);
      return {
        message: `there is no input "${name}" to fill (there is ${names.join(", ")})`,
        hint: close
          ? `Did you mean "${close}"?`
          : "Name an input that is not attacked.",
      };
    });
}

interface Trying {
  readonly engine: Engine;
  readonly problems: Problem[];
  readonly rounds: boolean;
}

/**
 * The self-check, or null and problems more. A gradient that is of no use
 * is a problem too.
 */
async function tryGradient(
  model: Model,
  { unsupported, steps }: Operators,
  { engine, problems, rounds }: Trying,
): Promise<SelfCheck | null> {
  if (unsupported.length > 0)
    problems.push({
      message: `between the input and the logits there is ${unsupported.join(", ")}, of which no gradient is known`,
      hint: "Attacks that need no gradients still work; for the others, export the model without it or add a rule (docs/extending.md).",
    });
  try {
    const check = await checkGradient(model, engine);
    if (check.zeroAt === check.points)
      problems.push({
        message: `the gradient is zero at all ${check.points} random inputs`,
        hint: "Check the range of the input (--bounds, --scale); attacks that need no gradients still work.",
      });
    else if (Number.isNaN(check.maxRelativeError))
      problems.push({
        message: "the gradient is not a number at random inputs",
        hint: "Check the range of the input (--bounds, --scale), and the model itself.",
      });
    else if (!rounds && !check.agrees)
      problems.push({
        message: `the gradient differs from finite differences of the loss (largest relative error ${check.maxRelativeError.toPrecision(2)} at ${check.points} random inputs)`,
        hint: "Attacks that follow it would find too little: use attacks that need no gradients, and check the range of the input (--bounds, --scale).",
      });
    return check;
  } catch (error) {
    const problem = problemOf(error);
    const code = error instanceof AssayError ? error.code : "";
    // The operators that are refused have been named.
    if (code === "GRADIENT_UNSUPPORTED" && unsupported.length > 0) return null;
    const isBlocked = code === "GRADIENT_NO_PATH" && steps.length > 0;
    problems.push(
      isBlocked
        ? {
            ...problem,
            message: `every path from the input to the logits passes ${steps.join(" or ")}, where the result moves in steps`,
          }
        : problem,
    );
    return null;
  }
}

/** Why the model's head cannot be replaced; null when it can. */
function headProblem(model: Model): string | null {
  try {
    const { task } = model;
    const kept = isPlaced(task) ? task : undefined;
    const classes = kept ? model.classes : ["one", "other"];
    replaceHead(model, classes, new Random("head"), undefined, kept);
    return null;
  } catch (error) {
    return problemOf(error).message;
  }
}

/**
 * Numbers in what could be weights: all that is trained, and every array beside but the
 * scales of eight bits.
 */
function countParameters(graph: Graph, groups: readonly LayerGroup[]): number {
  const trained = new Set(groups.flatMap((g) => g.parameters));
  const scales = new Set(
    graph.nodes
      .filter((n) => /^(De)?[Qq]uantizeLinear$/.test(n.op))
      .map((n) => n.inputs[1]),
  );
  return [...graph.constants]
    .filter(
      ([name, t]) =>
        trained.has(name) ||
        (t.type === "float32" && sizeOf(t.dims) > 1 && !scales.has(name)),
    )
    .reduce((sum, [, t]) => sum + sizeOf(t.dims), 0);
}

/** Numbers in arrays that only the bodies of loops and conditions hold. */
function numbersInBodies({ nodes }: Subgraph): number {
  const bodies = nodes.flatMap((n) =>
    Object.values(n.attributes).flatMap((a) =>
      a.kind === "graph" ? a.value : [],
    ),
  );
  const own = bodies
    .flatMap((body) => [...body.constants.values()])
    .filter((t) => t.type === "float32" && sizeOf(t.dims) > 1)
    .reduce((sum, t) => sum + sizeOf(t.dims), 0);
  return bodies.reduce((sum, body) => sum + numbersInBodies(body), own);
}
