import { resolve } from "node:path";
import { z } from "zod";
import { AssayError } from "#core";
import { openTokens } from "#data";
import { openLanguageModel } from "#model";
import { floats } from "#onnx";
import { defineTextSanitizer, type TextTools } from "./sanitizer.ts";

/**
 * Clean texts on which the threshold is set, at most: each takes a pass of the language
 * model for each of its words.
 */
const TEXTS = 200;

const params = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe("a causal language model, relative to the suite"),
  tokenizer: z
    .string()
    .min(1)
    .describe("its tokenizer.json, or a WordPiece vocab.txt"),
  fpr: z
    .number()
    .positive()
    .max(0.5)
    .default(0.05)
    .describe(
      "share of the words of clean validation texts that the threshold lets be removed",
    ),
});

/**
 * ONION (Qi et al. 2021, arXiv:2011.10369): removes each word whose removal
 * lowers the perplexity of the text by more than a threshold. Words are what
 * blanks separate; all are judged in the whole text.
 *
 * The paper chooses the threshold by the accuracy that it costs on clean
 * validation texts; here a share of their words is stated. A text of one word,
 * or one of which nothing would be left, stays as it is.
 */
export const onion = defineTextSanitizer({
  id: "onion",
  title: "ONION",
  summary:
    "Removes words whose removal makes the text more likely to a language model, as an inserted trigger word would.",
  caution:
    "It removes whole words, so it was made for inserted ones: a misspelt word that carries meaning is lost, not repaired. It depends on the language model and on `fpr`, which costs clean words.",
  reference: "Qi et al. 2021, arXiv:2011.10369",
  params,
  files: ({ model, tokenizer }) => [model, tokenizer],
  async fit(texts, params, tools) {
    const { suspicions, release } = await openScorer(params, tools);
    const some = tools.random
      .permutation(texts.length)
      .slice(0, TEXTS)
      .map((i) => wordsOf(texts[i]!));
    const falling = (await suspicions(some)).flat().sort((a, b) => b - a);
    await release();
    const threshold = falling[Math.floor(params.fpr * falling.length)];
    if (threshold === undefined || !Number.isFinite(threshold))
      throw new AssayError(
        "DEFENSE_FIT",
        `onion finds no threshold on ${texts.length} clean texts with ${params.model}`,
        "Give validation texts of several words, and a language model of their language.",
      );
    return new Map([["threshold", floats([], [threshold])]]);
  },
  async open(params, { fitted, ...tools }) {
    const threshold = fitted?.get("threshold")?.data[0] as number;
    const { suspicions, release } = await openScorer(params, tools);
    return {
      release,
      async apply(texts) {
        const words = texts.map(wordsOf);
        const scores = await suspicions(words);
        return texts.map((text, t) => {
          const all = words[t]!;
          const kept = all.filter(
            (_, i) => !((scores[t]?.[i] ?? 0) > threshold),
          );
          return kept.length === 0 || kept.length === all.length
            ? text
            : kept.join(" ");
        });
      },
    };
  },
});

const wordsOf = (text: string): string[] => text.trim().split(/\s+/);

/**
 * How much the removal of each word lowers the perplexity of its text; of a text of one
 * word nothing is known.
 */
async function openScorer(
  { model, tokenizer }: z.output<typeof params>,
  { folder, engine }: TextTools,
) {
  const tokens = openTokens(resolve(folder, tokenizer));
  const language = await openLanguageModel(resolve(folder, model), engine);
  return {
    release: language.release,
    async suspicions(texts: readonly (readonly string[])[]) {
      const versions = texts.map((words) =>
        words.length < 2
          ? []
          : [words, ...words.map((_, i) => words.toSpliced(i, 1))],
      );
      const all = await language.perplexities(
        versions.flat().map((words) => tokens(words.join(" "))),
      );
      let from = 0;
      return versions.map(({ length }) => {
        const [whole = 0, ...without] = all.slice(from, from + length);
        from += length;
        return without.map((perplexity) => whole - perplexity);
      });
    },
  };
}
