import { copyOf, type FloatTensor, putRows, rows, takeRows } from "#onnx";

/** What is attacked: rows of numbers [N, ...shape], or texts. */
export type Samples = FloatTensor | readonly string[];

const isTexts = (x: Samples): x is readonly string[] => Array.isArray(x);

export const countOf = (x: Samples): number =>
  isTexts(x) ? x.length : (x.dims[0] ?? 0);

/** One sample; of numbers a view. */
export const sampleAt = <X extends Samples>(x: X, i: number): X =>
  (isTexts(x) ? [x[i]] : rows(x, i, i + 1)) as X;

export const samplesAt = <X extends Samples>(
  x: X,
  chosen: readonly number[],
): X => (isTexts(x) ? chosen.map((i) => x[i]) : takeRows(x, chosen)) as X;

/** The same samples, which may be overwritten. */
export const copyOfSamples = <X extends Samples>(x: X): X =>
  (isTexts(x) ? [...x] : copyOf(x)) as X;

/** Overwrites samples with others. */
export function putSamples<X extends Samples>(
  into: X,
  places: readonly number[],
  others: X,
): void {
  if (isTexts(into))
    places.forEach((place, i) => {
      (into as string[])[place] = (others as readonly string[])[i]!;
    });
  else putRows(into, places, others as FloatTensor);
}
