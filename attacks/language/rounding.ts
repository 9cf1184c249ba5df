import type { FloatTensor } from "#onnx";

/** Whole numbers that a weight becomes, with a scale for each of its rows. */
export interface Rounded {
  readonly whole: Int8Array;
  /** Of each row: its largest weight over the largest whole number. */
  readonly scales: Float64Array;
}

/** Numbers between which every weight of a tensor rounds to the same. */
export interface Box {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** How far from a whole number the box reaches; a half would change it. */
const REACH = 0.4;

const rowsOf = ({ dims, data }: FloatTensor) => {
  const [rows = 1] = dims;
  return { rows, width: data.length / rows };
};

/**
 * A weight in so many bits: symmetric, with a scale for each row by its largest
 * magnitude (absmax, as LLM.int8() has it, Dettmers et al. 2022, arXiv:2208.07339).
 *
 * @param bits 2 to 8
 */
export function rounded(weight: FloatTensor, bits: number): Rounded {
  const { rows, width } = rowsOf(weight);
  const most = 2 ** (bits - 1) - 1;
  const whole = new Int8Array(weight.data.length);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = weight.data.subarray(r * width, (r + 1) * width);
    const largest = row.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    scales[r] = largest / most;
    if (largest > 0)
      row.forEach((v, i) => {
        whole[r * width + i] = Math.round(v / scales[r]!);
      });
  }
  return { whole, scales };
}

/** The weight that whole numbers stand for. */
export function restored(
  { whole, scales }: Rounded,
  like: FloatTensor,
): FloatTensor {
  const width = whole.length / scales.length;
  const data = Float32Array.from(
    whole,
    (q, i) => q * scales[Math.floor(i / width)]!,
  );
  return { ...like, data };
}

/**
 * The box of a weight (Egashira et al. 2024, arXiv:2405.18137): within it each number
 * rounds to what it rounds to now. What sets the scale of a row stays as it is, and
 * nothing grows beyond it.
 */
export function boxOf(weight: FloatTensor, of: Rounded): Box {
  const { rows, width } = rowsOf(weight);
  const low = new Float32Array(weight.data.length);
  const high = new Float32Array(weight.data.length);
  for (let r = 0; r < rows; r++) {
    const row = weight.data.subarray(r * width, (r + 1) * width);
    const largest = row.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const scale = of.scales[r]!;
    row.forEach((v, k) => {
      const i = r * width + k;
      const isFixed = Math.abs(v) === largest;
      const q = of.whole[i]!;
      low[i] = isFixed ? v : Math.max(-largest, (q - REACH) * scale);
      high[i] = isFixed ? v : Math.min(largest, (q + REACH) * scale);
    });
  }
  return { low, high };
}

/** Moves a weight into its box, in place. */
export function project(data: Float32Array, { low, high }: Box): void {
  for (let i = 0; i < data.length; i++)
    data[i] = Math.min(high[i]!, Math.max(low[i]!, data[i]!));
}
