import type { Random } from "#core";
import { argmaxRows, type CompiledModel } from "#model";
import { type FloatTensor, floats } from "#onnx";
import {
  type CertificateResult,
  outcomesOf,
  type Rate,
} from "../results/index.ts";
import {
  clopperPearson,
  mcnemar,
  normalQuantile,
  rate,
} from "../statistics/index.ts";

/** Rates and curve of certificates. */
export function summary(
  found: readonly (Certificate | null)[],
  labels: readonly number[],
  smoothing: Smoothing,
): Omit<CertificateResult, keyof Smoothing | "candidate" | "seconds"> {
  const n = labels.length;
  const radii = found.map((c, i) =>
    c && c.label === labels[i] ? c.radius : null,
  );
  const within = (radius: number) => certifiedAt(radii, radius);
  return {
    outcomes: outcomesOf(
      found.map((c, i) =>
        c === null ? "wrong" : c.label === labels[i] ? "robust" : "broken",
      ),
    ),
    radii,
    accuracy: within(0),
    abstained: rate(found.filter((c) => c === null).length, n),
    curve: radiiOf(smoothing).map((radius) => ({
      radius,
      certifiedAccuracy: within(radius),
    })),
  };
}

/** The share of samples whose right class is certified to at least a radius. */
export const certifiedAt = (
  radii: readonly (number | null)[],
  radius: number,
): Rate =>
  rate(radii.filter((r) => r !== null && r >= radius).length, radii.length);

/** Quarters of sigma up to the largest radius that so many draws can prove. */
function radiiOf(smoothing: Smoothing): number[] {
  const { sigma } = smoothing;
  const count = Math.floor((4 * largestRadius(smoothing)) / sigma) + 1;
  return Array.from({ length: count }, (_, k) =>
    Number(((k * sigma) / 4).toPrecision(6)),
  );
}

/**
 * A classifier smoothed by noise: the class that the model gives most often under it.
 */
export interface Smoothing {
  /** Standard deviation of the noise, in the unit of the input bounds. */
  readonly sigma: number;
  /** Draws that pick the class, and draws that prove it. */
  readonly n0: number;
  readonly n: number;
  /** How often a certificate may be wrong. */
  readonly alpha: number;
}

/**
 * A class, and the L2 radius within which the smoothed classifier gives no other; null
 * when it abstains.
 */
export interface Certificate {
  readonly label: number;
  /** In the unit of the input bounds. */
  readonly radius: number;
}

/** Noisy copies that the model is asked about at once. */
const TOGETHER = 256;

/**
 * CERTIFY of Cohen et al. 2019 (arXiv:1902.02918): with probability 1 - alpha
 * over the draws, the smoothed classifier gives this class everywhere within
 * the radius. Null where it abstains.
 *
 * @param x one sample [1, ...shape]
 */
export async function certify(
  model: CompiledModel,
  x: FloatTensor,
  smoothing: Smoothing,
  random: Random,
): Promise<Certificate | null> {
  const { n0, n } = smoothing;
  const first = await countUnderNoise(model, x, smoothing, n0, random);
  const counts = await countUnderNoise(model, x, smoothing, n, random);
  return certificateOf(first, counts, smoothing);
}

/** The certificate that two independent counts of classes give. */
export function certificateOf(
  first: ArrayLike<number>,
  counts: ArrayLike<number>,
  { sigma, alpha }: Pick<Smoothing, "sigma" | "alpha">,
): Certificate | null {
  const [label] = mostCounted(first);
  const n = Array.from(counts).reduce((sum, count) => sum + count, 0);
  // Both tails of this interval are alpha, so its end is the one-sided bound.
  const { low } = clopperPearson(counts[label]!, n, 1 - 2 * alpha);
  return low > 0.5 ? { label, radius: sigma * normalQuantile(low) } : null;
}

/**
 * The largest radius that so many draws can prove: what they prove where
 * all give one class.
 */
export function largestRadius({ sigma, n, alpha }: Smoothing): number {
  const { low } = clopperPearson(n, n, 1 - 2 * alpha);
  return low > 0.5 ? sigma * normalQuantile(low) : 0;
}

/**
 * PREDICT of Cohen et al. 2019: the class of the smoothed classifier, wrong with
 * probability at most alpha; null where it abstains.
 */
export async function predictSmoothed(
  model: CompiledModel,
  x: FloatTensor,
  smoothing: Smoothing,
  random: Random,
): Promise<number | null> {
  const { n, alpha } = smoothing;
  const counts = await countUnderNoise(model, x, smoothing, n, random);
  const [label, next] = mostCounted(counts);
  const p = mcnemar(counts[label]!, counts[next] ?? 0);
  return p <= alpha ? label : null;
}

/** The two classes with the largest counts; of equal ones the first. */
function mostCounted(counts: ArrayLike<number>): [number, number] {
  const order = Array.from(counts, (count, label) => ({ count, label })).sort(
    (a, b) => b.count - a.count || a.label - b.label,
  );
  return [order[0]?.label ?? 0, order[1]?.label ?? -1];
}

/**
 * How often the model gives each class under noise (SAMPLEUNDERNOISE). Noisy inputs are
 * not cut at the bounds.
 */
async function countUnderNoise(
  model: CompiledModel,
  x: FloatTensor,
  { sigma }: Smoothing,
  draws: number,
  random: Random,
): Promise<Int32Array> {
  const counts = new Int32Array(model.model.classes.length);
  const width = x.data.length;
  for (let from = 0; from < draws; from += TOGETHER) {
    const rows = Math.min(TOGETHER, draws - from);
    const noisy = new Float32Array(rows * width);
    for (let i = 0; i < noisy.length; i++)
      noisy[i] = x.data[i % width]! + sigma * random.normal();
    const logits = await model.logits(
      floats([rows, ...x.dims.slice(1)], noisy),
      // A model that draws at random itself draws from the same generator.
      Array.from({ length: rows }, () => random),
    );
    for (const label of argmaxRows(logits)) if (label >= 0) counts[label]!++;
  }
  return counts;
}
