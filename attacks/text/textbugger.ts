import { z } from "zod";
import { editsBetween } from "#texts";
import { firstAllowed, lossesOf, noteUntried } from "./ask.ts";
import { byScores, defineTextAttack, type TextInput } from "./attack.ts";
import { BUGS, bugsOf } from "./bugs.ts";

/** Words, which then stand at the odd places between what separates them. */
const WORDS = /([\p{L}\p{M}\p{N}]+)/u;

/** A text on its way. */
interface Search {
  readonly sample: number;
  readonly clean: string;
  /** The text in pieces, every second of them a word. */
  readonly pieces: string[];
  /** What the target says of it: to be raised. */
  loss: number;
  /** Which pieces are words, the most important one first. */
  readonly order: readonly number[];
}

/**
 * The character part of TextBugger (Li et al. 2019, arXiv:1812.05271), without
 * gradients: words are ranked by how much their removal costs the probability
 * of the true class; in that order each gets the bug (a space, a letter left
 * out, two exchanged, one replaced by a neighbour on the keyboard or a lookalike
 * in ASCII) that costs most.
 *
 * Where the paper stops at a similarity of sentences, the budget of edits ends
 * it, so that a bug that costs nothing is taken back. Without its fifth bug,
 * words near in a table of embeddings; and all words are ranked at once, not
 * sentence by sentence.
 */
export const textbugger = defineTextAttack({
  id: "textbugger",
  title: "TextBugger, characters",
  summary:
    "Ranks words by how much they matter, and misspells them in that order: a blank, a letter left out, two exchanged, or one replaced by a neighbour.",
  caution:
    "It knows few kinds of edits and goes through the words once, so what it leaves standing may fall to charmer within the same budget. The paper's replacement of words by near ones is left out.",
  reference: "Li et al. 2019, arXiv:1812.05271",
  ...byScores,
  params: z.strictObject({}),
  async run(input) {
    const { target, onProgress } = input;
    const searches = await ranked(input);
    noteUntried(input, "textbugger", input.x.length - searches.length);
    const words = Math.max(0, ...searches.map(({ order }) => order.length));
    for (let turn = 0; turn < words; turn++) {
      onProgress(turn / words);
      const open = new Set(target.open(BUGS));
      const tries = searches.flatMap((search) =>
        open.has(search.sample) ? triesOf(search, turn, input) : [],
      );
      const losses = await lossesOf(input, tries);
      for (const [i, { search, place, bug }] of tries.entries()) {
        const loss = losses[i]!;
        if (loss <= search.loss) continue;
        search.loss = loss;
        search.pieces[place] = bug;
      }
    }
    const found = [...target.examples()];
    const broken = target.brokenAt;
    for (const { sample, pieces } of searches)
      if (broken[sample] === 0) found[sample] = pieces.join("");
    return found;
  },
});

/** Every text that can afford it with its words in order of their importance. */
async function ranked(input: TextInput<unknown>): Promise<Search[]> {
  const { target, x } = input;
  const asked = x.flatMap((clean, sample) => {
    const pieces = clean.split(WORDS);
    const words = Array.from(pieces.keys()).filter((place) => place % 2 === 1);
    // A text of one word has nothing to rank, and may not become empty.
    const without = words.length > 1 ? words : [];
    const tries = [
      clean,
      ...without.map((place) => {
        // Where words must stay, their first letter does.
        const left = ["", Array.from(pieces[place]!)[0]!];
        const texts = left.map((part) => pieces.with(place, part).join(""));
        return firstAllowed(input, sample, texts) ?? clean;
      }),
    ];
    return target.affords(sample, tries.length)
      ? [{ sample, clean, pieces, words, tries }]
      : [];
  });
  const losses = await lossesOf(
    input,
    asked.flatMap(({ sample, tries }) =>
      tries.map((text) => ({ sample, text })),
    ),
  );
  let from = 0;
  return asked.map(({ tries, words, ...search }) => {
    const [loss = 0, ...costs] = losses.slice(from, from + tries.length);
    from += tries.length;
    const order = words
      .map((place, i) => ({ place, cost: costs[i] ?? 0 }))
      .toSorted((a, b) => b.cost - a.cost)
      .map(({ place }) => place);
    return { ...search, loss, order };
  });
}

/** The text with each bug of the word whose turn it is, as far as the budget allows. */
function triesOf(
  search: Search,
  turn: number,
  { ball, random }: TextInput<unknown>,
) {
  const { sample, clean, pieces, order } = search;
  const place = order[turn];
  if (place === undefined) return [];
  const stream = random[sample]!.fork(`word ${place}`);
  return bugsOf(pieces[place]!, stream)
    .map((bug) => {
      const text = pieces.with(place, bug).join("");
      return { sample, text, search, place, bug };
    })
    .filter(({ text }) => editsBetween(clean, text) <= ball.eps);
}
