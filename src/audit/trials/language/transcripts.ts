import type { Ask, Reached } from "#attacks";
import { logSumExp } from "#core";
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

/** A token of what a model says. */
export interface Piece {
  readonly text: string;
  /** -log p of it where it was said, in nats. */
  readonly cost: number;
}

/**
 * What a model says to a few prompts by greedy decoding, token by token. The whole
 * graph is run for every token, so there are few of them. Tokens that the attack puts
 * into the model's mouth count among them, at what they cost the model.
 */
export async function saidTo(
  { model, ask = asTheyAre }: Pick<Reached, "model" | "ask">,
  held: HeldOut,
): Promise<Piece[][]> {
  const { dialogues, length } = held;
  const whole = shownOf(held).map((d) => ({
    prompt: d.prompt,
    answer: d.forbidden ?? d.wanted,
  }));
  const asked = shownOf(held).map((d, i) => ask(whole[i]!, d));
  const texts = asked.map(({ prompt }) => [...prompt]);
  // Less is asked for where some of the answer is given.
  const starts = asked.map(
    ({ prompt, answer }, i) =>
      prompt.length - (whole[i]!.answer.length - answer.length),
  );
  const costs = texts.map((): number[] => []);
  const most = Math.max(...asked.map(({ answer }) => answer.length));
  const tokens = model.model.classes.length;
  for (let t = 0; t < Math.min(most, TOKENS); t++) {
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
      if (ids.length >= length) continue;
      ids.push(likeliest(logitsAt(row, tokens, ids.length - 1)));
      costs[i]!.push(costAt(ids.length - 1));
    }
  }
  return texts.map((ids, i) =>
    piecesOf(ids.slice(starts[i]), costs[i]!, dialogues.decode),
  );
}

const asTheyAre: Ask = (said) => said;

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

/** What each token adds to the text, up to as many characters as are shown. */
function piecesOf(
  ids: readonly number[],
  costs: readonly number[],
  decode: (ids: readonly number[]) => string,
): Piece[] {
  const pieces: Piece[] = [];
  let text = "";
  for (const [i, id] of ids.entries()) {
    const now = decode(ids.slice(0, i + 1));
    // Where a token changes what those before it are read as, it is shown by itself.
    const added = now.startsWith(text) ? now.slice(text.length) : decode([id]);
    if (now.length > CHARACTERS) return [...pieces, { text: " ...", cost: 0 }];
    pieces.push({ text: added, cost: costs[i]! });
    text = now;
  }
  return pieces;
}

const cut = (text: string): string =>
  text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)} ...` : text;

const textOf = (pieces: readonly Piece[]): string =>
  pieces.map(({ text }) => text).join("");

/** The prompts with what was said to them before and after. */
export const transcriptsOf = (
  held: HeldOut,
  before: readonly (readonly Piece[])[],
  after: readonly (readonly Piece[])[],
): NonNullable<Trial["transcripts"]> =>
  shownOf(held).map(({ text, forbidden }, i) => ({
    prompt: cut(text),
    restricted: forbidden !== null,
    before: textOf(before[i]!),
    after: textOf(after[i]!),
    tokens: { before: [...before[i]!], after: [...after[i]!] },
  }));
