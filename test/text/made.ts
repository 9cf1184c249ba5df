import { join } from "node:path";
import { emptyGraph, floats, GraphBuilder, int, writeModel } from "#onnx";
import { put } from "../folder.ts";

/** The tokens of a WordPiece tokenizer: special ones, then words. */
export const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/** A tokenizer.json of these tokens, their places as ids. */
export const wordPiece = (vocab: readonly string[]): string =>
  JSON.stringify({
    added_tokens: [],
    normalizer: { type: "Lowercase" },
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab.map((word, id) => [word, id])),
    },
  });

/**
 * A language model of pairs: the logit of a token after another.
 *
 * @param pairs logits of a word after a word; 0 for all others
 * @returns the files of model and tokenizer, which puts nothing around a text
 */
export function wordPairs(
  folder: string,
  words: readonly string[],
  pairs: Readonly<Record<string, number>>,
): { model: string; tokenizer: string } {
  const vocab = ["[UNK]", ...words];
  put(folder, "pairs.json", wordPiece(vocab));
  const b = new GraphBuilder(emptyGraph("pairs"));
  b.input({ name: "input_ids", type: "int64", dims: ["batch", "length"] });
  b.input({ name: "attention_mask", type: "int64", dims: ["batch", "length"] });
  const logits = vocab.flatMap((one) =>
    vocab.map((next) => pairs[`${one} ${next}`] ?? 0),
  );
  const table = b.constant(floats([vocab.length, vocab.length], logits));
  b.op("Gather", [table, "input_ids"], {}, "logits");
  writeModel(join(folder, "pairs.onnx"), b.build(["logits"]));
  return { model: "pairs.onnx", tokenizer: "pairs.json" };
}

/**
 * A linear classifier of words: "no" and "yes" score the sum of what each word
 * weighs for "yes"; unknown words weigh nothing.
 *
 * @returns the files of model and tokenizer
 */
export function linearWords(
  folder: string,
  weights: Readonly<Record<string, number>>,
  length: number,
): { model: string; tokenizer: string } {
  const words = Object.keys(weights);
  put(folder, "words.txt", [...SPECIAL, ...words].join("\n"));
  const b = new GraphBuilder(emptyGraph("words"));
  b.input({ name: "input_ids", type: "int64", dims: ["batch", length] });
  const each = [...SPECIAL.map(() => 0), ...Object.values(weights)];
  const table = b.constant(
    floats(
      [each.length, 2],
      each.flatMap((w) => [-w / 2, w / 2]),
    ),
    "words.weight",
  );
  const scores = b.op("Gather", [table, "input_ids"]);
  const sum = b.op(
    "ReduceSum",
    [scores, b.ints([1])],
    { keepdims: int(0) },
    "logits",
  );
  writeModel(join(folder, "words.onnx"), b.build([sum]));
  return { model: "words.onnx", tokenizer: "words.txt" };
}
