import { logSumExp } from "#core";
import type { Asked } from "./membership.ts";

const rowOf = ({ logits }: Pick<Asked, "logits">, i: number) => {
  const width = logits.dims[1] ?? 0;
  return logits.data.subarray(i * width, (i + 1) * width);
};

/** log p of every class in row i. */
export function logProbabilities(
  asked: Pick<Asked, "logits">,
  i: number,
): Float64Array {
  const row = rowOf(asked, i);
  const whole = logSumExp(row);
  return Float64Array.from(row, (z) => z - whole);
}

/** Cross-entropy of each sample: -log p_y. */
export const lossesOf = (asked: Asked): Float64Array =>
  Float64Array.from(asked.y, (label, i) => -logProbabilities(asked, i)[label]!);

/**
 * The logit of the probability of each sample's class,
 * log p_y - log sum_{k != y} p_k, from logits, so that it keeps its precision
 * where p_y is nearly 1 (Carlini et al. 2022, section VI).
 */
export const scaledConfidences = (asked: Asked): Float64Array =>
  Float64Array.from(asked.y, (label, i) => {
    const row = rowOf(asked, i);
    return row[label]! - logSumExp(row.filter((_, k) => k !== label));
  });
