import { z } from "zod";
import type { Random } from "#core";
import { editsBetween } from "#texts";
import { byChance } from "../taxonomies.ts";
import { defineTextAttack } from "./attack.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * As many edits as the budget has, of random kinds at random places: not an
 * attack but the control that every attack must beat (Carlini et al. 2019,
 * arXiv:1902.06705, section 4.5). The best of several draws counts.
 */
export const randomEdits = defineTextAttack({
  id: "random-edits",
  title: "Random edits (control)",
  summary:
    "Random edits at random places, as many as the budget has, the best of some draws: the control that every attack on texts has to beat.",
  caution: "Never as a measure of robustness: it looks for nothing.",
  access: "label",
  family: "control",
  reference: "Carlini et al. 2019, arXiv:1902.06705",
  taxonomy: byChance,
  params: z.strictObject({
    draws: z
      .int()
      .positive()
      .default(10)
      .describe("draws, of which the best counts"),
  }),
  async run({ target, x, ball, params, random, onProgress }) {
    for (let draw = 0; draw < params.draws; draw++) {
      onProgress(draw / params.draws);
      const open = target.open();
      if (open.length === 0) break;
      const tries = open.map((i) => edited(x[i]!, ball.eps, random[i]!));
      await target.predict(tries, open);
    }
    return target.examples();
  },
});

/**
 * A text after random edits. One that undoes another, or leaves nothing to
 * read, is not made.
 */
function edited(clean: string, edits: number, random: Random): string {
  let text = clean;
  for (let k = 0; k < Math.floor(edits); k++) {
    const next = once(Array.from(text), random);
    if (next.trim() !== "" && editsBetween(clean, next) <= edits) text = next;
  }
  return text;
}

function once(letters: readonly string[], random: Random): string {
  const letter = LETTERS[random.below(LETTERS.length)]!;
  const at = random.below(letters.length);
  const own = letters[at]!;
  const next = letters[at + 1];
  const kinds = [
    () => letters.toSpliced(at, 0, letter),
    () => letters.toSpliced(at, 1),
    () => letters.with(at, letter),
    () => (next === undefined ? letters : letters.toSpliced(at, 2, next, own)),
  ];
  const kind = kinds[random.below(kinds.length)]!;
  return kind().join("");
}
