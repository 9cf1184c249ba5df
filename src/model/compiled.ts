import type { LossName } from "#autodiff";
import { Random } from "#core";
import type { Engine, LoadOptions, Session } from "#engine";
import {
  concatRows,
  type FloatTensor,
  type Graph,
  rows,
  type Tensor,
} from "#onnx";
import { forwardRows } from "./batches.ts";
import { type CutPlace, cutOff } from "./cut-off.ts";
import { maskNotFinite } from "./finite.ts";
import { asFed } from "./integers.ts";
import {
  feedsOf,
  LOSS,
  type LossPass,
  type Objective,
  openLoss,
} from "./loss-pass.ts";
import { type Answers, type Model, outputsOf } from "./model.ts";
import {
  ANSWERS,
  type Asked,
  type NextTokens,
  openNextTokens,
} from "./next-tokens.ts";
import { drawNoise } from "./noise.ts";
import { meaningOf } from "./tasks/index.ts";

/**
 * Loss of each sample, its gradient with respect to the input, and the
 * logits, from one pass.
 */
export interface LossGradient extends Answers {
  /** [N] */
  readonly loss: Float32Array;
  /**
   * In the shape of the input; of a text model, in that of its embeddings
   * [N, length, width].
   */
  readonly gradient: FloatTensor;
  /** Rows whose gradient had numbers that are not finite, in whose place there is 0. */
  readonly notFinite: readonly number[];
}

/** What a model takes: numbers, or the token ids of a text model. */
export type Input = FloatTensor | Tensor<"int64"> | Tensor<"int32">;

/**
 * One generator for each row, from which a model that draws at random takes its noise.
 * They move on, so that asking again draws anew. When left out, rows draw by their
 * place and the number of the call.
 */
export type Draws = readonly Random[];

/** A model that is ready to run. */
export interface CompiledModel {
  readonly model: Model;
  /**
   * What the model gives for raw inputs [N, ...shape]: logits, or values [N, outputs].
   */
  logits(x: Input, draws?: Draws): Promise<FloatTensor>;
  /** The same with the scores of its detectors. */
  answers(x: Input, draws?: Draws): Promise<Answers>;
  /**
   * Loss of each sample and its gradient with respect to x (of a text model: to the
   * embeddings of x).
   *
   * @param labels the class of each sample, among those that attacks
   *   see (see `Meaning`)
   * @throws LOSS_CLASSES when the model has too few classes for the loss
   * @throws TARGETS_MISSING when its task has targets and none are given
   */
  lossGradient(
    x: Input,
    labels: ArrayLike<number>,
    objective?: Objective,
    draws?: Draws,
  ): Promise<LossGradient>;
  /**
   * What a language model says of answers; its head is not run at other places.
   *
   * @param x token ids [N, length]
   * @param targets the next token where it is one of the answer, else -1
   */
  nextTokens(x: Input, targets: FloatTensor): Promise<NextTokens>;
  /**
   * What it computes at a cut, as a model of values [N, width] that is
   * released with it.
   *
   * @throws CUT_UNKNOWN, CUT_SHAPE, HEAD_UNKNOWN
   */
  featuresAt(place: CutPlace): Promise<CompiledModel>;
  release(): Promise<void>;
}

/**
 * Values that replace constants of the model at every run: the weights while
 * they are trained.
 */
export type LiveWeights = ReadonlyMap<string, FloatTensor>;

/**
 * Makes a model ready to run on an engine. The gradient graph of a loss is
 * built and loaded when it is first asked for; where it is for a few runs, the model
 * itself too.
 */
export async function compile(
  model: Model,
  engine: Engine,
  options: LoadOptions & { weights?: LiveWeights } = {},
): Promise<CompiledModel> {
  const { weights = new Map<string, FloatTensor>() } = options;
  const graph = weightsAsInputs(model.graph, [...weights.keys()]);
  let forward: Promise<Session> | undefined;
  const openForward = () => {
    forward ??= engine.load(graph, options);
    return forward;
  };
  // A language model is mostly asked for answers alone.
  if (!options.isBrief && model.task?.kind !== "lm") await openForward();
  const meaning = meaningOf(model);
  const backward = new Map<LossName, Promise<LossPass>>();
  const together = forwardRows(graph);
  const cuts = new Map<CutPlace, Promise<CompiledModel>>();
  let asked: Promise<Asked> | undefined;

  const { noise = [] } = model;
  let calls = 0;
  const drawsOf = (x: Input): Draws => {
    const call = calls++;
    return noise.length === 0
      ? []
      : Array.from(
          { length: x.dims[0] ?? 0 },
          (_, row) => new Random(`call ${call} row ${row}`),
        );
  };
  const feeds = (part: Input, from: number, draws: Draws) => ({
    [model.input]: asFed(part, model.graph, model.input),
    ...Object.fromEntries(weights),
    ...drawNoise(noise, draws.slice(from, from + (part.dims[0] ?? 0))),
  });
  const answers = async (x: Input, draws: Draws = drawsOf(x)) => {
    const session = await openForward();
    const parts = await inBatches(x, together, (part, from) =>
      session.run(feeds(part, from, draws)),
    );
    return answersIn(parts, model);
  };
  return {
    model,
    answers,
    logits: async (x, draws) => (await answers(x, draws)).logits,
    async lossGradient(x, labels, objective = {}, draws = drawsOf(x)) {
      const { loss = meaning.loss } = objective;
      const ready =
        backward.get(loss) ?? openLoss(model, graph, engine, loss, options);
      backward.set(loss, ready);
      const { session, gradient: name, asked, rows: most } = await ready;
      const parts = await inBatches(x, most, (part, from) =>
        session.run({
          ...feeds(part, from, draws),
          ...feedsOf(asked, labels, objective, from, part.dims[0] ?? 0),
        }),
      );
      const gradient = gathered(
        parts,
        name,
        parts[0]?.[name]?.dims.slice(1) ?? x.dims.slice(1),
      );
      return {
        loss: gathered(parts, LOSS, []).data,
        gradient,
        notFinite: maskNotFinite(gradient),
        ...answersIn(parts, model),
      };
    },
    async nextTokens(x, targets) {
      asked ??= openNextTokens(model, graph, engine, options);
      const { session, read } = await asked;
      const draws = drawsOf(x);
      const parts = await inBatches(x, together, (part, from) =>
        session.run({
          ...feeds(part, from, draws),
          [ANSWERS]: rows(targets, from, from + (part.dims[0] ?? 0)),
        }),
      );
      return read(parts);
    },
    featuresAt(place) {
      const ready =
        cuts.get(place) ?? compileCut(model, place, engine, options);
      cuts.set(place, ready);
      return ready;
    },
    async release() {
      const loaded = await forward?.catch(() => undefined);
      await loaded?.release();
      const open = await asked?.catch(() => undefined);
      await open?.session.release();
      for (const cut of await Promise.allSettled(cuts.values()))
        if (cut.status === "fulfilled") await cut.value.release();
      // One that could not be built was refused when it was asked for.
      for (const ready of await Promise.allSettled(backward.values()))
        if (ready.status === "fulfilled") await ready.value.session.release();
    },
  };
}

async function compileCut(
  model: Model,
  place: CutPlace,
  engine: Engine,
  { weights, ...options }: Parameters<typeof compile>[2] = {},
): Promise<CompiledModel> {
  const part = cutOff(model, place);
  const before = [...(weights ?? [])].filter(([name]) =>
    part.graph.constants.has(name),
  );
  return compile(part, engine, { ...options, weights: new Map(before) });
}

/** Turns constants into inputs, so that their values can be fed. */
export function weightsAsInputs(graph: Graph, names: readonly string[]): Graph {
  const chosen = new Set(names);
  return {
    ...graph,
    inputs: [
      ...graph.inputs,
      ...names.map((name) => {
        const { type, dims } = graph.constants.get(name) as Tensor;
        return { name, type, dims };
      }),
    ],
    constants: new Map(
      [...graph.constants].filter(([name]) => !chosen.has(name)),
    ),
  };
}

async function inBatches<T>(
  x: Input,
  most: number,
  run: (part: Input, from: number) => Promise<T>,
): Promise<T[]> {
  const n = x.dims[0] ?? 0;
  const results: T[] = [];
  // In even parts: a few rows that are left over take as long as many.
  const size = Math.ceil(n / Math.max(1, Math.ceil(n / most)));
  for (let from = 0; from < n; from += size) {
    results.push(
      await run(
        n <= most
          ? x
          : (rows<Input["type"]>(x, from, Math.min(n, from + size)) as Input),
        from,
      ),
    );
  }
  return results;
}

/** What the runs of a model's batches say of all rows. */
function answersIn(
  parts: readonly Readonly<Record<string, Tensor>>[],
  model: Model,
): Answers {
  const { logits, detectors = [] } = model;
  return {
    logits: gathered(
      parts,
      logits,
      parts.length === 0 ? [outputsOf(model)] : undefined,
    ),
    scores: detectors.map(({ score }) => gathered(parts, score, [])),
  };
}

const gathered = (
  parts: readonly Readonly<Record<string, Tensor>>[],
  value: string,
  shape?: readonly number[],
): FloatTensor =>
  concatRows(
    parts.map((p) => p[value] as FloatTensor),
    shape,
  );
