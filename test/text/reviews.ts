import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Random } from "#core";
import { emptyGraph, floats, GraphBuilder, int, writeModel } from "#onnx";
import { put } from "../folder.ts";

const TEXTS = 600;
const WIDTH = 8;
/** Tokens of one text: the longest has eleven words, and two tokens around them. */
const LENGTH = 14;

const GOOD =
  "good great lovely charming brilliant funny moving clever bright tender warm gripping honest fresh graceful".split(
    " ",
  );
const BAD =
  "bad poor boring terrible dreadful tedious clumsy stale dull hollow bland messy pointless cold tiresome".split(
    " ",
  );
const NOUNS =
  "film movie story picture plot script cast drama comedy thriller sequel ending dialogue music camera".split(
    " ",
  );
const OPENINGS = ["the", "this", "their", "her", "his", "a", "another"];
const VERBS = ["is", "was", "seems", "feels", "looks", "stays", "remains"];
const ADVERBS = ["very", "rather", "quite", "really", "so", "often", "always"];
const ENDINGS = [
  ["to", "me"],
  ["from", "start", "to", "end"],
  ["in", "every", "scene"],
  ["for", "two", "hours"],
  [],
];
const WORDS = [
  ...new Set(
    [GOOD, BAD, NOUNS, OPENINGS, VERBS, ADVERBS, ENDINGS.flat(), ["and", "but"]]
      .flat()
      .sort(),
  ),
];

/**
 * Made-up reviews with what suites/texts.yaml needs: texts, a WordPiece
 * vocabulary, an untrained bag of words with a linear head, and a language model
 * of pairs of words, counted on the texts, with its tokenizer.
 */
export function makeReviews(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const random = new Random("reviews");
  const texts = Array.from({ length: TEXTS }, (_, i) => review(random, i % 2));
  const lines = texts.map(
    (words, i) => `${words.join(" ")}\t${i % 2 === 0 ? "against" : "for"}`,
  );
  put(folder, "reviews.tsv", `text\tlabel\n${lines.join("\n")}\n`);
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
  put(folder, "vocab.txt", `${[...special, ...WORDS].join("\n")}\n`);
  bagOfWords(join(folder, "base.onnx"), special.length + WORDS.length, random);
  languageModel(folder, texts);
}

/**
 * One opinion, or two that mostly agree; where they do not, the last one is the label,
 * which a bag of words cannot tell.
 */
function review(random: Random, label: number): string[] {
  const pick = <T>(all: readonly T[]): T => all[random.below(all.length)] as T;
  const opinion = (side: number) => pick(side === 1 ? GOOD : BAD);
  const agrees = random.uniform() < 0.8;
  const first = [pick(OPENINGS), pick(NOUNS), pick(VERBS), pick(ADVERBS)];
  const ending = pick(ENDINGS);
  if (random.uniform() < 0.4) return [...first, opinion(label), ...ending];
  return agrees
    ? [...first, opinion(label), "and", opinion(label), ...ending]
    : [...first, opinion(1 - label), "but", opinion(label), ...ending];
}

/** ids [N, length] and mask -> mean of embeddings -> two logits. */
function bagOfWords(file: string, tokens: number, random: Random): void {
  const drawn = (dims: [number, number], scale: number) =>
    floats(
      dims,
      Array.from({ length: dims[0] * dims[1] }, () => scale * random.normal()),
    );
  const b = new GraphBuilder(emptyGraph("bag of words"));
  const dims = ["batch", LENGTH];
  b.input({ name: "input_ids", type: "int64", dims });
  b.input({ name: "attention_mask", type: "int64", dims });
  const table = b.constant(drawn([tokens, WIDTH], 0.1), "words.weight");
  const mask = b.unsqueeze(b.cast("attention_mask", "float32"), [-1]);
  const vectors = b.mul(b.op("Gather", [table, "input_ids"]), mask);
  const mean = b.div(b.reduceSum(vectors, [1]), b.reduceSum(mask, [1]));
  const head = b.constant(drawn([WIDTH, 2], 0.3), "head.weight");
  writeModel(file, b.build([b.op("MatMul", [mean, head], {}, "logits")]));
}

/** The logarithm of how often each word follows each, with one added to every count. */
function languageModel(folder: string, texts: readonly string[][]): void {
  const vocab = ["[UNK]", "[START]", ...WORDS];
  const ids = new Map(vocab.map((word, id) => [word, id]));
  const counts = new Float32Array(vocab.length ** 2).fill(1);
  for (const words of texts)
    ["[START]", ...words].forEach((word, i) => {
      const next = words[i];
      if (next === undefined) return;
      const at = (ids.get(word) ?? 0) * vocab.length + (ids.get(next) ?? 0);
      counts[at] = counts[at]! + 1;
    });
  const b = new GraphBuilder(emptyGraph("pairs of words"));
  b.input({ name: "input_ids", type: "int64", dims: ["batch", "length"] });
  const logits = counts.map(Math.log);
  const table = b.constant(
    floats([vocab.length, vocab.length], logits),
    "pairs",
  );
  b.op("Gather", [table, "input_ids"], { axis: int(0) }, "logits");
  writeModel(join(folder, "language.onnx"), b.build(["logits"]));
  const start = { SpecialToken: { id: "[START]", type_id: 0 } };
  const text = { Sequence: { id: "A", type_id: 0 } };
  put(
    folder,
    "language.json",
    `${JSON.stringify(
      {
        added_tokens: [],
        normalizer: { type: "Lowercase" },
        pre_tokenizer: { type: "Whitespace" },
        post_processor: {
          type: "TemplateProcessing",
          single: [start, text],
          pair: [],
          special_tokens: {
            "[START]": { id: "[START]", ids: [1], tokens: ["[START]"] },
          },
        },
        decoder: null,
        model: {
          type: "WordLevel",
          unk_token: "[UNK]",
          vocab: Object.fromEntries(ids),
        },
      },
      null,
      1,
    )}\n`,
  );
}
