import type { Ask, Reached } from "#attacks";
import type { Dialogue } from "#data";
import type { Trial } from "../../results/index.ts";
import type { HeldOut } from "./measure.ts";

/** How many restricted and allowed prompts are shown. */
const RESTRICTED = 4;
const ALLOWED = 2;

/** The most tokens that are decoded, and the most characters that are shown. */
const TOKENS = 16;
const CHARACTERS = 200;

const shownOf = ({ restricted, allowed }: HeldOut): readonly Dialogue[] => [
  ...restricted.slice(0, RESTRICTED),
  ...allowed.slice(0, ALLOWED),
];

/**
 * What a model says to a few prompts by greedy decoding, as text. The whole graph is
 * run for every token, so there are few of them.
 */
export async function saidTo(
  { model, ask = asTheyAre }: Pick<Reached, "model" | "ask">,
  held: HeldOut,
): Promise<string[]> {
  const { dialogues, length } = held;
  const shown = shownOf(held);
  const asked = shown.map((d) =>
    ask({ prompt: d.prompt, answer: d.forbidden ?? d.wanted }, d),
  );
  const texts = asked.map(({ prompt }) => [...prompt]);
  const most = Math.max(...asked.map(({ answer }) => answer.length));
  const tokens = model.model.classes.length;
  for (let t = 0; t < Math.min(most, TOKENS); t++) {
    const x = new Float32Array(texts.length * length).fill(dialogues.padding);
    for (const [i, ids] of texts.entries())
      x.set(ids.slice(0, length), i * length);
    const dims = [texts.length, length];
    const { data } = await model.logits({ type: "float32", dims, data: x });
    for (const [i, ids] of texts.entries()) {
      if (ids.length >= length) continue;
      const row = data.subarray(i * tokens * length, (i + 1) * tokens * length);
      ids.push(likeliest(row, tokens, ids.length - 1));
    }
  }
  return texts.map((ids, i) => {
    const before = shown[i]!.prompt.length;
    return cut(dialogues.decode(ids.slice(before)));
  });
}

const asTheyAre: Ask = (said) => said;

/** @param row logits [tokens, positions] */
function likeliest(row: Float32Array, tokens: number, at: number): number {
  const length = row.length / tokens;
  let best = 0;
  for (let k = 1; k < tokens; k++)
    if (row[k * length + at]! > row[best * length + at]!) best = k;
  return best;
}

const cut = (text: string): string =>
  text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)} ...` : text;

/** The prompts with what was said to them before and after. */
export const transcriptsOf = (
  held: HeldOut,
  before: readonly string[],
  after: readonly string[],
): NonNullable<Trial["transcripts"]> =>
  shownOf(held).map(({ text, forbidden }, i) => ({
    prompt: cut(text),
    restricted: forbidden !== null,
    before: before[i]!,
    after: after[i]!,
  }));
