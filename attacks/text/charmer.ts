import { z } from "zod";
import { marginOf } from "../evasion/score-losses.ts";
import { firstAllowed, lossesOf, noteUntried } from "./ask.ts";
import { byScores, defineTextAttack, type TextInput } from "./attack.ts";

/**
 * Lower-case letters, digits and signs as character-level classifiers read them (Zhang,
 * Zhao and LeCun 2015, arXiv:1509.01626).
 */
const ALPHABET =
  "abcdefghijklmnopqrstuvwxyz0123456789 -,;.!?:'\"/\\|_@#$%^&*~`+=<>()[]{}";

const params = z.strictObject({
  positions: z
    .int()
    .positive()
    .default(20)
    .describe("places that are tried with every character, before each edit"),
  alphabet: z
    .string()
    .min(1)
    .default(ALPHABET)
    .describe("the characters that are inserted, or put for another"),
});

type Params = z.output<typeof params>;

/** A text on its way. */
interface Search {
  readonly sample: number;
  text: string;
}

/**
 * Charmer (Abad Rocamora et al. 2024, arXiv:2405.04346): edit after edit, the
 * places where a blank raises the margin most, then of all characters there
 * (inserted, put for another, or a character left out) the one that raises it
 * most. It draws nothing at random.
 *
 * The paper takes all characters of the data, and up to ten edits; here the
 * alphabet is stated, and as many edits are made as the budget has. A text
 * leaves as soon as it is misclassified.
 */
export const charmer = defineTextAttack({
  id: "charmer",
  title: "Charmer",
  summary:
    "Edit after edit, tries every character at the places that matter most, and makes the edit that raises the margin most.",
  caution:
    "It is greedy, and tries only `positions` places and the characters of `alphabet`: letters outside it, such as accented ones, are never put in. It changes characters, and says nothing of other words or sentences.",
  reference: "Abad Rocamora et al. 2024, arXiv:2405.04346",
  ...byScores,
  params,
  async run(input) {
    const { target, x, onProgress } = input;
    const most = Math.floor(input.ball.eps);
    const searches = x.map((text, sample): Search => ({ sample, text }));
    for (let edit = 0; edit < most; edit++) {
      const share = (part: number) => onProgress((edit + part) / most);
      share(0);
      const standing = target.open().length;
      const places = await placesOf(input, searches);
      if (edit === 0) noteUntried(input, "charmer", standing - places.size);
      if (places.size === 0) break;
      await change(input, searches, places, share);
    }
    const found = [...target.examples()];
    for (const { sample, text } of searches)
      if (target.brokenAt[sample] === 0) found[sample] = text;
    return found;
  },
});

/** Of each text that stands the places that matter most, the most important first. */
async function placesOf(
  input: TextInput<Params>,
  searches: readonly Search[],
): Promise<Map<number, number[]>> {
  const { target, params } = input;
  const open = new Set(target.open());
  const tries = searches
    .filter(({ sample }) => open.has(sample))
    .flatMap(({ sample, text }) => {
      const letters = Array.from(text);
      const all = Array.from({ length: 2 * letters.length + 1 }, (_, at) => at);
      const asked = all.flatMap((at) => {
        const blank = letters[(at - 1) / 2] === " " ? "" : " ";
        // Where words must stay, another sign stands for the blank.
        const marks = [blank, "", params.alphabet.slice(0, 1)];
        const changed = firstAllowed(
          input,
          sample,
          marks.map((mark) => edited(letters, at, mark)),
        );
        return changed === undefined ? [] : [{ sample, at, text: changed }];
      });
      return target.affords(sample, asked.length) ? asked : [];
    });
  const losses = await lossesOf(input, tries, marginOf);
  const costs = new Map<number, { at: number; loss: number }[]>();
  for (const [i, { sample, at }] of tries.entries()) {
    const loss = losses[i]!;
    costs.set(sample, [...(costs.get(sample) ?? []), { at, loss }]);
  }
  return new Map(
    [...costs].map(([sample, all]) => [
      sample,
      all
        .toSorted((a, b) => b.loss - a.loss)
        .slice(0, params.positions)
        .map(({ at }) => at),
    ]),
  );
}

/**
 * Makes the best edit at these places, one place after the other as far as queries go.
 */
async function change(
  input: TextInput<Params>,
  searches: readonly Search[],
  places: ReadonlyMap<number, readonly number[]>,
  onShare: (share: number) => void,
): Promise<void> {
  const { target, params } = input;
  const characters = ["", ...new Set(params.alphabet)];
  const best = new Map<number, { text: string; loss: number }>();
  for (let rank = 0; rank < params.positions; rank++) {
    onShare(rank / params.positions);
    const tries = target.open(characters.length).flatMap((sample) => {
      const at = places.get(sample)?.[rank];
      if (at === undefined) return [];
      const letters = Array.from(searches[sample]!.text);
      return characters.flatMap((character) => {
        const text = edited(letters, at, character);
        return text === null ? [] : [{ sample, text }];
      });
    });
    const losses = await lossesOf(input, tries, marginOf);
    for (const [i, { sample, text }] of tries.entries()) {
      const loss = losses[i]!;
      if (loss > (best.get(sample)?.loss ?? -Infinity))
        best.set(sample, { text, loss });
    }
  }
  for (const [sample, { text }] of best) searches[sample]!.text = text;
}

/**
 * The text with a character at a place: the even places are before each letter
 * and at the end, the odd ones the letters themselves, which "" takes away. Null
 * where nothing would change, or nothing be left.
 */
function edited(
  letters: readonly string[],
  at: number,
  character: string,
): string | null {
  const inside = at % 2 === 1;
  const index = Math.floor(at / 2);
  if (character === (inside ? letters[index] : "")) return null;
  const text = letters.toSpliced(index, inside ? 1 : 0, character).join("");
  return text.trim() === "" ? null : text;
}
