import type { Reached } from "#attacks";
import type { Dialogue } from "#data";
import type { Trial } from "../../results/index.ts";
import { greedy } from "./decoding.ts";
import { asTheyAre, type HeldOut } from "./measure.ts";

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
  const whole = shownOf(held).map((d) => ({
    prompt: d.prompt,
    answer: d.forbidden ?? d.wanted,
  }));
  const asked = shownOf(held).map((d, i) => ask(whole[i]!, d));
  // Less is asked for where some of the answer is given.
  const given = asked.map(
    ({ answer }, i) => whole[i]!.answer.length - answer.length,
  );
  const said = await greedy(model, asked, held, TOKENS, given);
  return said.map(({ ids, costs }) =>
    piecesOf(ids, costs, held.dialogues.decode),
  );
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
