import { type FloatTensor, sizeOf } from "#onnx";

/** Numbers from here on down stand for minus infinity in attention masks. */
const MASKED = -1e4;
/**
 * What Swin adds to hide a place; taken for a mask only beside zeros and nothing else.
 */
const HIDDEN = -100;

/**
 * Whether a constant that is added is an attention mask: it holds minus infinity in any
 * form, or nothing but 0 and numbers of -100 and less.
 */
export function isMask({ data }: FloatTensor): boolean {
  if (data.some((v) => v <= MASKED || !Number.isFinite(v))) return true;
  return (
    data.some((v) => v <= HIDDEN) && data.every((v) => v === 0 || v <= HIDDEN)
  );
}

/** Of cos² + sin² from 1, with room for tables that were rounded to half precision. */
const ROUNDING = 5e-3;

/**
 * Whether a constant holds sines and cosines of the same angles: cos² + sin² = 1
 * everywhere, either in two tables of one shape (rotary embeddings, Su et al.
 * 2021, arXiv:2104.09864), or in one table between the halves of each row or
 * between neighbours in it (positions, Vaswani et al. 2017, arXiv:1706.03762).
 * Learned numbers do not come out like that.
 */
export function isAngleTable(
  { data, dims }: FloatTensor,
  other?: FloatTensor,
): boolean {
  const width = dims.at(-1) ?? 0;
  const size = sizeOf(dims);
  // A few numbers could do so by chance, and a table of equal rows says
  // nothing of angles.
  if (size < 8 || !varies(data)) return false;
  const square = (v: number | undefined) => (v ?? Number.NaN) ** 2;
  const isOne = (pair: (i: number) => number) => {
    for (let i = 0; i < size; i++)
      if (!(Math.abs(square(data[i]) + pair(i) - 1) < ROUNDING)) return false;
    return true;
  };
  if (other) {
    const alike =
      other.dims.length === dims.length &&
      other.dims.every((d, i) => d === dims[i]);
    return alike && varies(other.data) && isOne((i) => square(other.data[i]));
  }
  if (width % 2 !== 0) return false;
  const half = width / 2;
  return (
    isOne((i) => square(data[i % width < half ? i + half : i - half])) ||
    isOne((i) => square(data[i % 2 === 0 ? i + 1 : i - 1]))
  );
}

const varies = (data: Float32Array) => data.some((v) => v !== data[0]);
