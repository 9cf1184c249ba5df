import { crossEntropy } from "#autodiff";
import type { Engine } from "#engine";
import { labelTensor, loadGradient, type Model, weightsAsInputs } from "#model";
import {
  copyOf,
  type FloatTensor,
  type Graph,
  GraphBuilder,
  int,
  type Tensor,
} from "#onnx";
import { withBatchStatistics } from "./batch-norm.ts";
import { clip } from "./clip.ts";
import type { TrainingSettings } from "./settings.ts";

/** A model in training, one batch after the other. */
export interface TrainingStep {
  /** The weights that are trained, and running statistics that follow; each step changes the arrays in place. */
  readonly weights: ReadonlyMap<string, FloatTensor>;
  /**
   * Moves the weights against the gradient of the mean loss of a batch.
   *
   * @param x inputs [N, ...shape]
   * @param rate learning rate
   * @returns the loss before the move
   */
  take(x: Tensor, labels: ArrayLike<number>, rate: number): Promise<number>;
  release(): Promise<void>;
}

/**
 * Gets a model ready to be trained. Only the given weights become inputs of
 * the graph; frozen ones stay constants, and nothing is computed for them.
 * The weights are copies: the model keeps its own.
 *
 * @param rates learning-rate multiple of each trained weight
 */
export async function openStep(
  model: Model,
  rates: ReadonlyMap<string, number>,
  settings: Pick<TrainingSettings, "optimizer" | "clipNorm" | "batchNorm">,
  engine: Engine,
): Promise<TrainingStep> {
  const { unit, params } = settings.optimizer;
  const { graph, loss, labels, running } = lossGraph(
    model,
    [...rates.keys()],
    settings.batchNorm,
  );
  const { session, gradients } = await loadGradient(engine, graph, {
    of: loss,
    wrt: [...rates.keys()],
  });
  const weights = new Map(
    [...rates.keys(), ...running.keys()].map((name) => [
      name,
      copyOf(model.graph.constants.get(name) as FloatTensor),
    ]),
  );
  const states = new Map(
    [...rates.keys()].map((name) => [
      name,
      unit.state.map(
        () => new Float32Array(weights.get(name)?.data.length ?? 0),
      ),
    ]),
  );
  let steps = 0;
  return {
    weights,
    async take(x, y, rate) {
      const outputs = await session.run({
        [model.input]: x,
        [labels]: labelTensor(y),
        ...Object.fromEntries(weights),
      });
      const values = (name: string) => outputs[name]?.data as Float32Array;
      const found = new Map(
        [...gradients].map(([weight, name]) => [weight, values(name)]),
      );
      if (settings.clipNorm !== null)
        clip([...new Set(found.values())], settings.clipNorm);
      steps++;
      for (const [name, gradient] of found) {
        const { data: weight } = weights.get(name) as FloatTensor;
        const state = states.get(name) ?? [];
        const own = rate * (rates.get(name) ?? 1);
        unit.update({ weight, gradient, state, rate: own, steps }, params);
      }
      for (const [statistic, next] of running)
        weights.get(statistic)?.data.set(values(next));
      return values(loss)[0] as number;
    },
    release: () => session.release(),
  };
}

/** Mean loss of a batch, and the statistics that follow it. */
function lossGraph(
  model: Model,
  names: readonly string[],
  batchNorm: TrainingSettings["batchNorm"],
): {
  graph: Graph;
  loss: string;
  labels: string;
  /** The next value of each running statistic. */
  running: ReadonlyMap<string, string>;
} {
  const { graph, running } =
    batchNorm === "batch"
      ? withBatchStatistics(model.graph, new Set(names))
      : { graph: model.graph, running: new Map<string, string>() };
  const b = new GraphBuilder(
    weightsAsInputs(graph, [...names, ...running.keys()]),
    "step/",
  );
  const labels = b.input({
    name: "step.labels",
    type: "int64",
    dims: ["batch"],
  });
  const each = crossEntropy(b, model.logits, labels);
  const loss = b.op("ReduceMean", [each], { keepdims: int(0) }, "step.loss");
  return { graph: b.build([loss, ...running.values()]), loss, labels, running };
}
