import { AssayError, type Random } from "#core";
import type { FloatTensor } from "#onnx";
import type { Beside } from "./beside.ts";
import type { CompiledModel, Draws } from "./compiled.ts";
import type { Answers, Model } from "./model.ts";
import { countOf, type Samples } from "./samples.ts";
import { meaningOf } from "./tasks/index.ts";

/**
 * What an attacker may use of the model: nothing, predicted labels, scores, gradients,
 * or the public base instead.
 */
export type Access = "none" | "label" | "score" | "gradient" | "base";

/** What a target asks: a compiled model, or a text model behind its tokenizer. */
export interface Answering<X extends Samples = FloatTensor> {
  readonly model: Model;
  answers(x: X, draws?: Draws): Promise<Answers>;
  /** Texts have none. */
  readonly lossGradient?: CompiledModel["lossGradient"];
  readonly featuresAt?: CompiledModel["featuresAt"];
}

/** What breaks a sample: an example within this of it, and inside the bounds. */
export interface Limit<X extends Samples = FloatTensor> {
  readonly eps: number;
  /** Whether the nearest example is looked for, rather than any within eps. */
  readonly nearest: boolean;
  /** Of numbers. */
  readonly bounds?: readonly [number, number];
  /** The distance of each example from its centre. */
  distance(centre: X, examples: X): ArrayLike<number>;
  /**
   * Whether there can be such an example of its centre, beside its size; all
   * can when left out.
   */
  allows?(centre: X, example: X): boolean;
}

/** What a target is asked with. */
export interface Terms<X extends Samples = FloatTensor> {
  readonly access: Access;
  /** Clean samples: [N, ...shape], or texts. */
  readonly x: X;
  /**
   * Their true labels, among the classes that attacks see; a target without them never
   * calls a sample broken.
   */
  readonly y?: Int32Array;
  /**
   * What the outputs of each sample should be [N, outputs], where the model's task is
   * not one of classes.
   */
  readonly targets?: FloatTensor;
  readonly limit: Limit<NoInfer<X>>;
  /** Most queries of each sample; no limit when left out. */
  readonly queries?: number;
  /** The public base, where there is one. */
  readonly base?: Answering<NoInfer<X>>;
  /**
   * Further heads on the model's trunk that are attacked with it: their losses
   * are added up, and a sample is broken only when all heads are wrong about it.
   * Only of numbers.
   */
  readonly beside?: readonly Beside[];
  /**
   * What a model that draws at random draws from: each sample from a generator of its
   * own, anew at each query.
   */
  readonly draws?: Random;
}

/** How far float32 rounds a distance of eps between numbers within the bounds. */
export const roundingOf = ({
  eps,
  bounds: [low, high] = [0, 0],
}: Limit<never>) => 1e-6 * eps + 1e-7 * Math.max(1, high - low);

/**
 * The bounds as float32 has them: what is clipped to a bound must not lie beyond it.
 */
const boundsIn32 = ([low, high]: readonly [number, number]) =>
  [Math.fround(low), Math.fround(high)] as const;

/**
 * Where the first number is that is not within the bounds; -1 where there is
 * none, as in texts.
 */
export function outside(x: Samples, { bounds }: Limit<never>): number {
  if (!bounds || !("data" in x)) return -1;
  const [low, high] = boundsIn32(bounds);
  const { data } = x;
  for (let i = 0; i < data.length; i++)
    if (!(data[i]! >= low && data[i]! <= high)) return i;
  return -1;
}

/**
 * Throws TARGET_TERMS when samples, labels and targets do not fit each other, the
 * bounds or the model.
 */
export function checkTerms<X extends Samples>(
  { model }: Answering<X>,
  { x, y, targets, limit }: Terms<X>,
): void {
  const refuse = (message: string) => {
    throw new AssayError(
      "TARGET_TERMS",
      message,
      "Attack samples that the model takes, each with its label.",
    );
  };
  const n = countOf(x);
  const meaning = meaningOf(model);
  if (y && y.length !== n)
    refuse(`there are ${n} samples and ${y.length} labels`);
  const unknown = y?.find((k) => !(k >= 0 && k < meaning.classes));
  if (unknown !== undefined)
    refuse(
      `a sample has label ${unknown}, the model has ${meaning.classes} classes`,
    );
  const rows = targets?.dims[0];
  if (meaning.targets && y && rows !== n)
    refuse(`there are ${n} samples and ${rows ?? "no"} rows of targets`);
  const bad = outside(x, limit);
  if (bad < 0 || !limit.bounds || !("data" in x)) return;
  const [low, high] = boundsIn32(limit.bounds);
  refuse(
    `sample ${Math.floor(bad / (x.data.length / n))} has the value ${x.data[bad]}, the bounds are ${low} to ${high}`,
  );
}
