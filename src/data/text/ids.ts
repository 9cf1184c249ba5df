/** The token ids of texts, `length` each, one behind the other. */
export function idsOf(
  texts: readonly string[],
  length: number,
  read: (text: string) => readonly number[],
): Float32Array {
  const ids = new Float32Array(texts.length * length);
  for (const [i, text] of texts.entries()) ids.set(read(text), i * length);
  return ids;
}
