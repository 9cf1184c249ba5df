import { gradient, type StraightThrough } from "#autodiff";
import { AssayError } from "#core";
import type { Engine } from "#engine";
import { type Model, meaningOf, weightsAsInputs } from "#model";
import {
  BATCH,
  type Dim,
  type FloatTensor,
  type Graph,
  GraphBuilder,
  graft,
  int,
  multiply,
  prune,
} from "#onnx";
import { withBatchStatistics } from "./batch-norm.ts";
import {
  type Criterion,
  distributionCriterion,
  taskCriterion,
} from "./criteria.ts";
import { type Adapted, addAdapted } from "./low-rank.ts";
import type { LossGraph, TrainingPart } from "./part.ts";

/** The graph that a step runs, before its gradient is taken. */
export interface StepGraph {
  readonly graph: Graph;
  readonly loss: string;
  readonly labels: string;
  /** Input of the float targets, where the criterion takes them. */
  readonly targets: string | undefined;
  readonly views: readonly string[];
  /** Inputs that batches feed, by the name that a part gave them. */
  readonly feeds: ReadonlyMap<string, string>;
  /** Start values of what is trained beside the weights of the model, by input. */
  readonly parameters: ReadonlyMap<string, FloatTensor>;
  readonly records: ReadonlyMap<string, string>;
  /** The next value of each running statistic. */
  readonly running: ReadonlyMap<string, string>;
  readonly straightThrough: readonly StraightThrough[];
  /** Whether the loss holds a gradient, which is then differentiated again. */
  readonly twice: boolean;
}

/**
 * Writes the loss of a batch: the mean criterion of x, changed by each part in
 * turn. x and the views go through the model in one pass, one behind the other.
 *
 * @param names of the weights of the model that become inputs
 */
export function lossGraph(
  model: Model,
  names: readonly string[],
  batchNorm: "frozen" | "batch",
  parts: readonly TrainingPart[],
  engine: Engine,
): StepGraph {
  const views = parts.flatMap((p) => p.views ?? []);
  requireDistinct(views);
  const criterion = criterionOf(parts, model);
  const { rows, graph: viewed } = withViews(model, 1 + views.length);
  const { graph, running } =
    batchNorm === "batch"
      ? withBatchStatistics(viewed, new Set(names))
      : { graph: viewed, running: new Map<string, string>() };
  let b = new GraphBuilder(
    weightsAsInputs(graph, [...names, ...running.keys()]),
    "step/",
  );
  const input = (name: string, dims: readonly Dim[]) =>
    b.input({ name: `step.${name}`, type: "float32", dims });
  const labels = b.input({ name: "step.labels", type: "int64", dims: [rows] });
  const targets = criterion.floats
    ? input("targets", [rows, ...targetDims(model, b)])
    : undefined;
  const feeds = new Map<string, string>();
  const parameters = new Map<string, FloatTensor>();
  const records = new Map<string, string>();
  const straightThrough: StraightThrough[] = [...model.straightThrough];
  const split = new Map<string, readonly string[]>();
  let twice = false;

  const feed = (name: string, dims: readonly Dim[]) => {
    const known = feeds.get(name);
    if (known) return known;
    const fed = input(`feed.${name}`, dims);
    feeds.set(name, fed);
    return fed;
  };
  const at: LossGraph = {
    get b() {
      return b;
    },
    model,
    labels,
    targets: targets ?? labels,
    rows(value, view) {
      if (views.length === 0) return value;
      const pieces =
        split.get(value) ??
        b.many(
          "Split",
          [value],
          { axis: int(0), num_outputs: int(1 + views.length) },
          1 + views.length,
        );
      split.set(value, pieces);
      return pieces[view === undefined ? 0 : 1 + views.indexOf(view)]!;
    },
    each: (view) => at.criterion(at.rows(model.logits, view)),
    criterion: (outputs) => criterion.each(b, outputs, targets ?? labels),
    again(replaced, statistics, adapted = []) {
      const outputs = [{ name: model.logits, type: "float32" as const }];
      const once = statistics === "stored" ? viewed : graph;
      const { written, constants } = withFactors(once, adapted, b);
      const names = new Map([...replaced, ...constants]);
      const renamed = graft(b, prune({ ...written, outputs }), names);
      for (const { input, output } of model.straightThrough)
        straightThrough.push({
          input: renamed(input),
          output: renamed(output),
        });
      return renamed(model.logits);
    },
    feed: (name, dims = []) => feed(name, [rows, ...dims]),
    scalar: (name) => feed(name, []),
    parameter(name, start) {
      const trained = input(`parameter.${name}`, start.dims);
      parameters.set(trained, start);
      return trained;
    },
    withGradientOf(value, other) {
      const passed = b.op("Identity", [value]);
      straightThrough.push({ input: other ?? b.scalar(0), output: passed });
      return passed;
    },
    gradient(of, wrt) {
      twice = true;
      const all = b.nodes.flatMap((n) => n.outputs.filter(Boolean));
      const { graph, gradients } = gradient(b.build(all), {
        of,
        wrt: [wrt],
        straightThrough,
        avoid: engine.avoid,
      });
      b = new GraphBuilder(graph, "step/");
      return gradients.get(wrt) as string;
    },
    record(name, value) {
      records.set(name, value);
    },
  };
  let loss = b.op("ReduceMean", [at.each()], { keepdims: int(0) });
  for (const part of parts) loss = part.loss?.(at, loss) ?? loss;
  const outputs = [loss, ...running.values(), ...records.values()];
  return {
    graph: b.build([...new Set(outputs)]),
    loss,
    labels,
    targets,
    views,
    feeds,
    parameters,
    records,
    running,
    straightThrough,
    twice,
  };
}

/** The shape of a sample's targets: that of the outputs where the task has no other. */
function targetDims(model: Model, b: GraphBuilder): readonly Dim[] {
  const dims = b.rankedDims(model.logits).slice(1);
  const { targetWidth } = model.heads ? {} : meaningOf(model);
  return dims.map((d) => (typeof d === "number" ? (targetWidth?.(d) ?? d) : d));
}

/**
 * The criterion that the parts agree on; that of the model's task when none states one.
 * That of several tasks compares heads of classes with shares already.
 */
export function criterionOf(
  parts: readonly TrainingPart[],
  model: Model,
): Criterion {
  const stated = [...new Set(parts.flatMap((p) => p.criterion ?? []))];
  const stranger = (model.heads ?? [model]).find((m) => meaningOf(m).targets);
  if (stated.includes(distributionCriterion) && stranger)
    throw new AssayError(
      "TRAINING_PARTS",
      `a part of the training compares outputs with shares of classes, ${model.heads ? "a task" : "the model"} is one of ${stranger.task?.kind}`,
      "Train without it.",
    );
  const others = stated.filter((c) => c !== distributionCriterion);
  const [own] = others;
  if (model.heads && own && others.length === 1) return own;
  if (stated.length <= 1) return stated[0] ?? taskCriterion(model);
  throw new AssayError(
    "TRAINING_PARTS",
    "two parts of the training compare outputs with targets in different ways",
    "Train with one of them at a time.",
  );
}

/**
 * A graph with factors in or beside its layers, which are values of the builder around
 * it, and the constants that this took, by the names that the builder has for them.
 */
function withFactors(
  graph: Graph,
  adapted: readonly Adapted[],
  b: GraphBuilder,
): { written: Graph; constants: ReadonlyMap<string, string> } {
  if (adapted.length === 0) return { written: graph, constants: new Map() };
  const factors = adapted.flatMap((f) => [b.info(f.left), b.info(f.right)]);
  const inputs = [...graph.inputs, ...factors];
  const inner = GraphBuilder.rewriting({ ...graph, inputs }, "adapted/");
  addAdapted(inner, graph.nodes, adapted);
  const written = inner.build();
  const added = [...written.constants].filter(
    ([name]) => !graph.constants.has(name),
  );
  return {
    written,
    constants: new Map(added.map(([name, value]) => [name, b.constant(value)])),
  };
}

/** The model for a batch with views: its input has their rows behind those of x. */
function withViews(model: Model, count: number): { graph: Graph; rows: Dim } {
  const { graph } = model;
  const info = graph.inputs.find((i) => i.name === model.input);
  const rows = typeof info?.dims?.[0] === "string" ? info.dims[0] : BATCH;
  if (count === 1) return { graph, rows };
  const widened = info?.dims && {
    ...info,
    dims: [multiply([count, rows]), ...info.dims.slice(1)],
  };
  return {
    rows,
    graph: {
      ...graph,
      inputs: graph.inputs.map((i) => (i === info && widened ? widened : i)),
      // What was recorded holds for x alone.
      outputs: graph.outputs.map(({ name, type }) => ({ name, type })),
      valueInfo: [],
    },
  };
}

function requireDistinct(views: readonly string[]): void {
  const twice = views.find((v, i) => views.indexOf(v) < i);
  if (twice === undefined) return;
  throw new AssayError(
    "TRAINING_PARTS",
    `two parts of the training add a view "${twice}"`,
    "Train with one of them at a time.",
  );
}
