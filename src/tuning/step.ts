import { AssayError } from "#core";
import type { Engine } from "#engine";
import {
  asFed,
  type Input,
  labelTensor,
  loadGradient,
  type Model,
} from "#model";
import { copyOf, type FloatTensor, rows, type Tensor } from "#onnx";
import { clip } from "./clip.ts";
import { idsOf, lookupsOf, openTable, withIds } from "./lookups.ts";
import { lossGraph, type StepGraph } from "./loss-graph.ts";
import { arraysOf } from "./optimizers/compiled.ts";
import type { Batch, BatchGradient, TrainingPart } from "./part.ts";
import type { TrainingSettings } from "./settings.ts";
import { threadsFor } from "./step-threads.ts";

/** A model in training, one batch after the other. */
export interface TrainingStep {
  /**
   * The weights that are trained, and running statistics that follow; each step changes
   * the arrays in place.
   */
  readonly weights: ReadonlyMap<string, FloatTensor>;
  /** What parts train beside them, likewise. */
  readonly parameters: ReadonlyMap<string, FloatTensor>;
  /**
   * Moves the weights against the gradient of the loss of a batch.
   *
   * @param rate learning rate
   * @returns the loss before the move, and what the losses recorded
   */
  take(
    batch: Batch<Input>,
    rate: number,
  ): Promise<Pick<BatchGradient, "loss" | "records">>;
  release(): Promise<void>;
}

export interface StepOptions {
  readonly settings: Pick<
    TrainingSettings,
    "optimizer" | "clipNorm" | "batchNorm"
  >;
  readonly parts?: readonly TrainingPart[];
  /** Values that `parameters` of a step before had, to go on from. */
  readonly parameters?: TrainingStep["parameters"];
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
  { settings, parts = [], parameters: before }: StepOptions,
  engine: Engine,
): Promise<TrainingStep> {
  const { unit, params } = settings.optimizer;
  const names = [...rates.keys()];
  const { batchNorm } = settings;
  const step = lossGraph(model, names, batchNorm, parts, engine);
  const constant = (name: string) =>
    model.graph.constants.get(name) as FloatTensor;
  const { trained, states } = placed(
    new Map([
      ...names.map((name) => [name, constant(name)] as const),
      ...[...step.parameters].map(
        ([name, start]) => [name, before?.get(name) ?? start] as const,
      ),
    ]),
    unit.state.length,
  );
  const of = (some: Iterable<string>) =>
    new Map([...some].map((n) => [n, trained.get(n) as FloatTensor]));
  const weights = new Map([
    ...of(names),
    ...[...step.running.keys()].map(
      (name) => [name, copyOf(constant(name))] as const,
    ),
  ]);
  const parameters = of(step.parameters.keys());
  const live = new Map([...weights, ...parameters]);
  const { gradientAt, release } = await openGradient(
    model,
    step,
    { trained: [...trained.keys()], live },
    parts,
    engine,
  );
  let steps = 0;
  return {
    weights,
    parameters,
    async take(batch, rate) {
      const { loss, records, gradients, statistics } = await gradientAt(batch);
      if (settings.clipNorm !== null)
        clip([...gradients.values()], settings.clipNorm);
      steps++;
      const rateOf = (name: string) => rate * (rates.get(name) ?? 1);
      for (const [name, gradient] of gradients) {
        const { data: weight } = trained.get(name) as FloatTensor;
        const state = states.get(name) ?? [];
        const own = { rate: rateOf(name), decays: rates.has(name), steps };
        unit.update({ weight, gradient, state, ...own }, params);
      }
      for (const part of parts) part.moved?.(trained, rateOf);
      for (const [statistic, next] of statistics)
        weights.get(statistic)?.data.set(next);
      return { loss, records };
    },
    release,
  };
}

/** Copies of what is trained, and the optimiser's arrays, where loops reach them. */
function placed(
  starts: ReadonlyMap<string, FloatTensor>,
  states: number,
): {
  trained: ReadonlyMap<string, FloatTensor>;
  states: ReadonlyMap<string, readonly Float32Array[]>;
} {
  const each = 1 + states;
  const arrays = arraysOf(
    [...starts.values()].flatMap(({ data }) =>
      new Array<number>(each).fill(data.length),
    ),
  );
  const own = (i: number) => arrays.slice(i * each, (i + 1) * each);
  return {
    trained: new Map(
      [...starts].map(([name, start], i) => {
        const data = own(i)[0] as Float32Array<ArrayBuffer>;
        data.set(start.data);
        return [name, { ...start, data }];
      }),
    ),
    states: new Map(
      [...starts.keys()].map((name, i) => [name, own(i).slice(1)]),
    ),
  };
}

/**
 * Loads the graph and its gradient; each part may take the gradient its own way, the
 * first one outermost.
 */
async function openGradient(
  model: Model,
  step: StepGraph,
  { trained, live }: { trained: string[]; live: Map<string, FloatTensor> },
  parts: readonly TrainingPart[],
  engine: Engine,
) {
  const point = model.embedding ?? model.input;
  const toInput = parts.some((p) => p.inputGradient);
  const lookups = lookupsOf(step.graph, trained);
  const differentiated = (w: string) => lookups.get(w)?.rows ?? w;
  const graph = withIds(step.graph, lookups.values());
  // A part may ask for several gradients and keep them.
  const again = parts.every((p) => !p.gradient);
  const tables = new Map(
    [...lookups.keys()].map((w) => [
      w,
      openTable(live.get(w)?.dims ?? [], again),
    ]),
  );
  const { session, gradients } = await loadGradient(
    engine,
    graph,
    {
      of: step.loss,
      wrt: [
        ...new Set([
          ...trained.map(differentiated),
          ...(toInput ? [point] : []),
        ]),
      ],
      straightThrough: step.straightThrough,
    },
    { mostThreads: threadsFor(graph, trained) },
  ).catch((error) => {
    throw step.twice ? onceOnly(error) : error;
  });
  const found = async (batch: Batch<Input>): Promise<BatchGradient> => {
    const feeds = {
      ...feedsOf(model, step, batch),
      ...Object.fromEntries(live),
    };
    const outputs = await session.run(feeds);
    const values = (name: string) => outputs[name]?.data as Float32Array;
    const seen = new Set<Float32Array>();
    // Two weights may share one gradient; whoever changes it means one.
    const own = (array: Float32Array) => {
      const mine = seen.has(array) ? array.slice() : array;
      seen.add(mine);
      return mine;
    };
    const gradientOf = (w: string) => {
      const found = values(gradients.get(differentiated(w)) as string);
      const lookup = lookups.get(w);
      if (!lookup) return own(found);
      const ids = idsOf(lookup, graph, feeds, outputs);
      return (tables.get(w) as ReturnType<typeof openTable>)(found, ids);
    };
    const named = (names: ReadonlyMap<string, string>) =>
      [...names].map(([key, value]) => [key, values(value)] as const);
    return {
      loss: values(step.loss)[0]!,
      gradients: new Map(trained.map((w) => [w, gradientOf(w)])),
      input: toInput ? values(gradients.get(point) as string) : undefined,
      records: Object.fromEntries(
        named(step.records).map(([key, v]) => [key, v[0]!]),
      ),
      statistics: new Map(named(step.running)),
    };
  };
  const weights = new Map(trained.map((n) => [n, live.get(n) as FloatTensor]));
  const gradientAt = parts.reduceRight<typeof found>(
    (inner, part) =>
      part.gradient
        ? (batch) =>
            part.gradient?.(batch, inner, weights) as Promise<BatchGradient>
        : inner,
    found,
  );
  return { gradientAt, release: () => session.release() };
}

/** A gradient in the loss that has no gradient of its own, with what can be done. */
function onceOnly(error: unknown): unknown {
  const refused =
    error instanceof AssayError && error.code === "GRADIENT_UNSUPPORTED";
  if (!refused) return error;
  return new AssayError(
    error.code,
    `the loss holds a gradient that cannot be differentiated again: ${error.message}`,
    "Take a penalty that needs no second derivatives, such as input-gradient with method: differences.",
    { cause: error },
  );
}

/** What a step of a graph is fed with. */
export function feedsOf(
  model: Model,
  { labels, targets, views, feeds }: StepGraph,
  batch: Batch<Input>,
): Record<string, Tensor> {
  const missing = (what: string) =>
    new AssayError(
      "TRAINING_FEED",
      `a batch came without ${what}`,
      "A part that declares it gives it in prepare.",
    );
  const given: Record<string, Tensor> = {
    [model.input]: asFed(
      stacked([
        batch.x,
        ...views.map((view) => {
          const x = batch.views?.[view];
          if (x === undefined) throw missing(`the view "${view}"`);
          return x;
        }),
      ]),
      model.graph,
      model.input,
    ),
    [labels]: labelTensor(batch.y),
  };
  if (targets !== undefined) {
    if (!batch.targets) throw missing("targets");
    given[targets] = batch.targets;
  }
  for (const [name, input] of feeds) {
    const value = batch.feeds?.[name];
    if (value === undefined) throw missing(`the feed "${name}"`);
    given[input] =
      typeof value === "number"
        ? { type: "float32", dims: [], data: Float32Array.of(value) }
        : value;
  }
  return given;
}

/** Tensors of one type and sample shape, one behind the other. */
function stacked(parts: readonly Tensor[]): Tensor {
  const [first] = parts as [Tensor];
  if (parts.length === 1) return first;
  const length = parts.reduce((sum, p) => sum + p.data.length, 0);
  const Kind = first.data.constructor as new (size: number) => Float32Array;
  const data = new Kind(length);
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  const count = parts.reduce((sum, p) => sum + (p.dims[0] ?? 0), 0);
  return { ...first, dims: [count, ...first.dims.slice(1)], data } as Tensor;
}

/** One sample of a batch, with all that belongs to it. */
export const sampleOf = (batch: Batch<Input>, i: number): Batch<Input> =>
  partOf(batch, i, i + 1);

/** Some samples of a batch, likewise. */
export function partOf<X extends Input>(
  batch: Batch<X>,
  from: number,
  to: number,
): Batch<X> {
  const some = <T extends Input>(t: T) => rows<T["type"]>(t, from, to) as T;
  const each = <T>(all: Readonly<Record<string, T>>, pick: (v: T) => T) =>
    Object.fromEntries(Object.entries(all).map(([k, v]) => [k, pick(v)]));
  const { x, y, views, targets, feeds } = batch;
  return {
    x: some(x),
    y: y.subarray(from, to),
    views: views && each(views, some),
    targets: targets && some(targets),
    feeds: feeds && each(feeds, (v) => (typeof v === "number" ? v : some(v))),
  };
}
