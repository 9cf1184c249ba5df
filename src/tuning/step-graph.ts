import { crossEntropy, gradient } from "#autodiff";
import type { Chosen } from "#core";
import { type Model, weightsAsInputs } from "#model";
import { type Graph, GraphBuilder } from "#onnx";
import { withBatchStatistics } from "./batch-norm.ts";
import type { Optimizer } from "./optimizers/index.ts";
import type { TrainingSettings } from "./settings.ts";

/** The graph of one training step, and the names by which its values are fed and read. */
export interface StepGraph {
  readonly graph: Graph;
  readonly labels: string;
  /** Scalar learning rate. */
  readonly rate: string;
  /** Scalars of the optimiser. */
  readonly scalars: readonly string[];
  /** Mean loss of the batch. */
  readonly loss: string;
  /** For each trained weight and each moving statistic: its state inputs, and the outputs that hold its next value and state. */
  readonly weights: ReadonlyMap<
    string,
    { state: readonly string[]; next: string; nextState: readonly string[] }
  >;
}

/**
 * Forward pass, loss, gradients and weight update of one batch as one graph.
 * Only the given weights are inputs; frozen ones stay constants, and nothing
 * is computed for them.
 *
 * @param rates learning-rate multiple of each trained weight
 */
export function stepGraph(
  model: Model,
  rates: ReadonlyMap<string, number>,
  optimizer: Chosen<Optimizer>,
  { clipNorm, batchNorm }: Pick<TrainingSettings, "clipNorm" | "batchNorm">,
): StepGraph {
  const names = [...rates.keys()];
  const { unit, params } = optimizer;
  const { graph: trained, running } =
    batchNorm === "batch"
      ? withBatchStatistics(model.graph, new Set(names))
      : { graph: model.graph, running: new Map<string, string>() };
  const forward = new GraphBuilder(
    weightsAsInputs(trained, [...names, ...running.keys()]),
    "step/",
  );
  const labels = forward.input({
    name: "step.labels",
    type: "int64",
    dims: ["batch"],
  });
  const each = crossEntropy(forward, model.logits, labels);
  const loss = forward.op(
    "ReduceMean",
    [each],
    { keepdims: { kind: "int", value: 0 } },
    "step.loss",
  );
  const { graph, gradients } = gradient(
    forward.build([loss, ...running.values()]),
    {
      of: loss,
      wrt: names,
    },
  );

  const b = new GraphBuilder(graph, "update/");
  const scalar = (name: string) => b.input({ name, type: "float32", dims: [] });
  const rate = scalar("step.rate");
  const scalars = unit
    .scalars(1, params)
    .map((_, i) => scalar(`step.scalar${i}`));
  const clipped = clip(
    b,
    names.map((name) => gradients.get(name) as string),
    clipNorm,
  );
  const weights = new Map<
    string,
    { state: string[]; next: string; nextState: string[] }
  >();
  names.forEach((weight, i) => {
    const dims = b.dims(weight);
    const state = unit.state.map((s) =>
      b.input({ name: `${weight}/${s}`, type: "float32", dims }),
    );
    const multiple = rates.get(weight) ?? 1;
    const updated = unit.update(
      b,
      {
        weight,
        gradient: clipped[i] as string,
        state,
        rate: multiple === 1 ? rate : b.mul(rate, multiple),
        scalars,
      },
      params,
    );
    weights.set(weight, {
      state,
      next: updated.weight,
      nextState: updated.state,
    });
  });
  for (const [statistic, next] of running)
    weights.set(statistic, { state: [], next, nextState: [] });
  const outputs = [...weights.values()].flatMap((w) => [
    w.next,
    ...w.nextState,
  ]);
  return {
    graph: b.build([loss, ...outputs]),
    labels,
    rate,
    scalars,
    loss,
    weights,
  };
}

/** Scales all gradients together so that their joint length is at most `limit` (Pascanu et al. 2013, arXiv:1211.5063). */
function clip(
  b: GraphBuilder,
  gradients: readonly string[],
  limit: number | null,
): readonly string[] {
  if (limit === null) return gradients;
  const squares = gradients.map((g) =>
    b.op("ReduceSumSquare", [g], { keepdims: { kind: "int", value: 0 } }),
  );
  const length = b.sqrt(
    squares.length === 1 ? (squares[0] as string) : b.op("Sum", squares),
  );
  const factor = b.op("Min", [b.scalar(1), b.div(limit, b.add(length, 1e-6))]);
  return gradients.map((g) => b.mul(g, factor));
}
