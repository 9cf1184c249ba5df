import {
  type Attack,
  attackOn,
  attacks,
  ballOf,
  type Measure,
  type Norm,
} from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import { type FloatTensor, floats } from "#onnx";

interface Setting {
  norm: Norm;
  /** Infinity where the nearest example is looked for. */
  eps?: number;
  bounds?: readonly [number, number];
  params?: Record<string, unknown>;
  queries?: number;
  seed?: number;
}

/** Runs an attack on samples of a model. */
export async function attacked(
  id: string,
  model: Model,
  { x, y, targets }: { x: FloatTensor; y: Int32Array; targets?: FloatTensor },
  {
    norm,
    eps = Number.POSITIVE_INFINITY,
    bounds = [0, 1],
    params = {},
    queries,
    seed = 1,
  }: Setting,
) {
  const unit = attacks.find((a) => a.id === id) as Attack;
  const compiled = await compile(model, onnxruntime);
  const shares: number[] = [];
  const notes: string[] = [];
  const measures: Measure[] = [];
  const { target, run } = attackOn(
    compiled,
    { x, y, targets },
    { unit, params: unit.params.parse(params) },
    { ball: ballOf(norm, eps, bounds), queries },
    {
      random: new Random(seed),
      base: unit.access === "base" ? compiled : undefined,
      others: { x, y },
      onProgress: (share) => shares.push(share),
      onNote: (text) => notes.push(text),
      onMeasure: (measure) => measures.push(measure),
    },
  );
  const examples = await run();
  const logits = await compiled.logits(examples);
  await compiled.release();
  return {
    examples,
    logits,
    shares,
    notes,
    measures,
    target,
    distances: Array.from(target.distances),
  };
}

/** Random points of [low, high]^width. */
export function uniformPoints(
  n: number,
  width: number,
  [low, high]: readonly [number, number],
  seed: number,
): FloatTensor {
  const random = new Random(seed);
  return floats(
    [n, width],
    Array.from(
      { length: n * width },
      () => low + (high - low) * random.uniform(),
    ),
  );
}
