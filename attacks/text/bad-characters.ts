import { z } from "zod";
import { lookalikes } from "#texts";
import { lossesOf } from "./ask.ts";
import { byScores, defineTextAttack } from "./attack.ts";
import { childrenOf, firstMembers, type Member, type Range } from "./evolve.ts";

/** Zero-width space, joiner and non-joiner. */
const UNSEEN = ["\u200b", "\u200d", "\u200c"] as const;

/** Members that are asked about before it is looked who still stands. */
const SLICE = 16;

const params = z.strictObject({
  kind: z
    .enum(["homoglyphs", "invisible"])
    .default("homoglyphs")
    .describe("lookalikes for letters, or invisible characters between them"),
  population: z.int().min(4).default(32).describe("members of the search"),
  generations: z
    .int()
    .positive()
    .default(10)
    .describe("generations of the search"),
});

/** Where a text can be changed, and the text that genes make of it. */
interface Slots {
  readonly ranges: readonly Range[];
  write(genes: Float64Array): string;
}

/**
 * Imperceptible perturbations (Boucher et al. 2022, arXiv:2106.09898): letters
 * become others that look like them, or invisible characters are inserted,
 * where differential evolution finds the lowest probability of the true class.
 * The paper's third and fourth kind, reordered and deleted characters, are not
 * here.
 *
 * Lookalikes are those that `unicode` folds (Unicode's list of confusables, UTS 39).
 * The paper takes the shorter list of intentional ones. All edits of the budget may
 * be used, where the paper's experiments go from 0 to 5. A text leaves as soon as it
 * is misclassified.
 */
export const badCharacters = defineTextAttack({
  id: "bad-characters",
  title: "Bad Characters",
  summary:
    "Replaces letters by others that look alike, or inserts characters that nobody sees, where an evolutionary search finds the lowest probability of the true class.",
  caution:
    "Folding Unicode (the sanitizer unicode) undoes it whole, so behind that it says nothing of other edits; run charmer. Reordered and deleted characters, the paper's other kinds, are left out.",
  reference: "Boucher et al. 2022, arXiv:2106.09898",
  ...byScores,
  params,
  async run(input) {
    const { target, x, ball, params, random, onProgress } = input;
    const most = Math.floor(ball.eps);
    const slotsOf = params.kind === "invisible" ? insertions : replacements;
    const slots = x.map((text) => slotsOf(text, most));
    const streams = random.map((stream) => stream.fork(params.kind));
    const populations = slots.map(({ ranges }, i) =>
      ranges.length === 0
        ? []
        : firstMembers(ranges, params.population, streams[i]!),
    );
    await judge(input, slots, populations);
    for (let round = 0; round < params.generations; round++) {
      onProgress(round / params.generations);
      const open = new Set(target.open());
      if (open.size === 0) break;
      const children = populations.map((parents, i) =>
        open.has(i) && parents.length > 0
          ? childrenOf(parents, slots[i]!.ranges, streams[i]!)
          : [],
      );
      await judge(input, slots, children);
      children.forEach((all, i) => {
        const parents = populations[i]!;
        for (const [m, child] of all.entries())
          if (child.loss >= parents[m]!.loss) parents[m] = child;
      });
    }
    return target.examples();
  },
});

/**
 * Asks about every member, as many at once as the texts that still stand can afford.
 */
async function judge(
  input: Parameters<typeof lossesOf>[0],
  slots: readonly Slots[],
  populations: readonly (readonly Member[])[],
): Promise<void> {
  const count = Math.max(0, ...populations.map((all) => all.length));
  for (let from = 0; from < count; from += SLICE) {
    const some = Math.min(SLICE, count - from);
    const asked = input.target.open(some).flatMap((sample) =>
      (populations[sample] as Member[])
        .slice(from, from + some)
        .map((member) => {
          const text = slots[sample]!.write(member.genes);
          return { sample, text, member };
        }),
    );
    const losses = await lossesOf(input, asked);
    for (const [i, { member }] of asked.entries()) member.loss = losses[i]!;
  }
}

const rounded = (genes: Float64Array, k: number) => Math.round(genes[k]!);

/** A gene for each edit: which of all lookalikes at all places, or none. */
function replacements(text: string, edits: number): Slots {
  const letters = Array.from(text);
  const glyphs = letters.flatMap((letter, at) =>
    (lookalikes.get(letter) ?? []).map((like) => ({ at, like })),
  );
  const range: Range = [-1, glyphs.length - 1];
  return {
    ranges:
      glyphs.length === 0 ? [] : Array.from({ length: edits }, () => range),
    write(genes) {
      const changed = [...letters];
      for (const k of genes.keys()) {
        const glyph = glyphs[rounded(genes, k)];
        if (glyph) changed[glyph.at] = glyph.like;
      }
      return changed.join("");
    },
  };
}

/** Two genes for each edit: which character, and before which letter, or nowhere. */
function insertions(text: string, edits: number): Slots {
  const letters = Array.from(text);
  return {
    ranges: Array.from({ length: edits }, (): Range[] => [
      [0, UNSEEN.length - 1],
      [-1, letters.length - 1],
    ]).flat(),
    write(genes) {
      const changed = [...letters];
      for (let k = 0; k < genes.length; k += 2) {
        const at = rounded(genes, k + 1);
        if (at >= 0) changed.splice(at, 0, UNSEEN[rounded(genes, k)] as string);
      }
      return changed.join("");
    },
  };
}
