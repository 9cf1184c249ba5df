import { logSumExp } from "#core";
import type { Spoken } from "#data";
import type { CompiledModel } from "#model";
import type { HeldOut } from "./measure.ts";

/** Tokens that a model says. */
export interface Decoded {
  readonly ids: readonly number[];
  /** -log p of each where it was said, in nats. */
  readonly costs: readonly number[];
}

/**
 * What a model says by greedy decoding to each prompt, in as many tokens as the answer
 * beside it has, and no more than `most`. The whole graph is run for every token.
 *
 * @param given how many of the last tokens of each prompt were put into its mouth;
 *   these count as said
 */
export async function greedy(
  model: CompiledModel,
  asked: readonly Spoken[],
  { dialogues, length }: HeldOut,
  most: number,
  given: readonly number[] = asked.map(() => 0),
): Promise<Decoded[]> {
  const texts = asked.map(({ prompt }) => [...prompt]);
  const starts = asked.map(({ prompt }, i) => prompt.length - given[i]!);
  const costs = texts.map((): number[] => []);
  const tokens = model.model.classes.length;
  const longest = Math.max(0, ...asked.map(({ answer }) => answer.length));
  for (let t = 0; t < Math.min(longest, most); t++) {
    const x = new Float32Array(texts.length * length).fill(dialogues.padding);
    for (const [i, ids] of texts.entries())
      x.set(ids.slice(0, length), i * length);
    const dims = [texts.length, length];
    const { data } = await model.logits({ type: "float32", dims, data: x });
    for (const [i, ids] of texts.entries()) {
      const row = data.subarray(i * tokens * length, (i + 1) * tokens * length);
      const costAt = (at: number) => {
        const logits = logitsAt(row, tokens, at - 1);
        return logSumExp(logits) - logits[ids[at]!]!;
      };
      for (let at = starts[i]!; t === 0 && at < ids.length; at++)
        costs[i]!.push(costAt(at));
      if (ids.length >= length || t >= asked[i]!.answer.length) continue;
      ids.push(likeliest(logitsAt(row, tokens, ids.length - 1)));
      costs[i]!.push(costAt(ids.length - 1));
    }
  }
  return texts.map((ids, i) => ({
    ids: ids.slice(starts[i]),
    costs: costs[i]!,
  }));
}

/** @param row logits [tokens, positions] */
function logitsAt(row: Float32Array, tokens: number, at: number): Float32Array {
  const length = row.length / tokens;
  return Float32Array.from({ length: tokens }, (_, k) => row[k * length + at]!);
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let k = 1; k < logits.length; k++)
    if (logits[k]! > logits[best]!) best = k;
  return best;
}
