import { editsLimit } from "#attacks";
import type { Dataset, TextReader } from "#data";
import type { Limit } from "#model";
import { type FloatTensor, floats } from "#onnx";

/** Where each word of a text has its first token. */
type Places = NonNullable<TextReader["places"]>;

/*
 * An edit moves tokens, so what is right of a text stands by word while it is attacked:
 * the first word at the first position, the second at the second.
 */

/** Texts with their classes by word instead of by token; other data as it is. */
export function byWord(data: Dataset): Dataset {
  const { texts, targets } = data;
  const places = texts?.reader.places;
  if (!texts || !targets || !places) return data;
  const [n = 0, length = 0] = targets.dims;
  const moved = new Float32Array(n * length).fill(-1);
  for (const [i, text] of texts.strings.entries())
    for (const [word, at] of (places(text) ?? []).slice(0, length).entries())
      if (at < length)
        moved[i * length + word] = targets.data[i * length + at]!;
  return { ...data, targets: { ...targets, data: moved } };
}

/**
 * Logits [N, classes x tokens] as those of words, class by class; no number where there
 * is no word, or no token of it.
 */
export function ofWords(
  { data, dims }: FloatTensor,
  texts: readonly string[],
  classes: number,
  places: Places,
): FloatTensor {
  const [n = 0, width = 0] = dims;
  const length = width / classes;
  const moved = new Float32Array(n * width).fill(Number.NaN);
  for (const [i, text] of texts.entries())
    for (const [word, at] of (places(text) ?? []).slice(0, length).entries())
      if (at < length)
        for (let k = 0; k < classes; k++) {
          const row = i * width + k * length;
          moved[row + word] = data[row + at]!;
        }
  return floats(dims, moved);
}

/** Texts within so many edits that have the same number of words, all of them read. */
export const wordsLimit = (
  eps: number,
  places: Places,
): Limit<readonly string[]> => ({
  ...editsLimit(eps),
  allows([centre = ""], [example = ""]) {
    const [before, after] = [places(centre), places(example)];
    return (
      before !== null &&
      before.length === after?.length &&
      before.every((at, w) => at === Infinity || after[w]! < Infinity)
    );
  },
});
