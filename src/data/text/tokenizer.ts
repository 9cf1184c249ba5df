import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { AssayError, messageOf, readFile, UsageError } from "#core";
import { requireTried } from "./tried.ts";

/** Text as token ids of one length. */
export interface TextEncoder {
  /**
   * The ids of a text, cut behind its special tokens or filled up with padding:
   * `length` of them.
   */
  encode(text: string): number[];
  /** The ids of a text alone, as many as there are. */
  plain(text: string): number[];
  /** Ids as text, special tokens among them. */
  decode(ids: readonly number[]): string;
  /** Every token with its id. */
  readonly tokens: readonly (readonly [token: string, id: number])[];
  /** How many special tokens stand before a text. */
  readonly before: number;
  /** How many tokens of a text are left where there are too many. */
  readonly room: number;
  /** Words of letters that are tokens by themselves, in lower case. */
  readonly words: ReadonlySet<string>;
}

interface Settings {
  readonly length: number;
  readonly padding: number;
  /** Of a vocab.txt, which does not say it. */
  readonly lowercase: boolean;
}

/** No vocabulary of a real model has so many tokens. */
const MOST_TOKENS = 2 ** 22;

const id = z.int().nonnegative().max(MOST_TOKENS);
const part = z.looseObject({ type: z.string() }).nullish();

/** What any tokenizer.json has; its library checks none of it. */
const tokenizerSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id, content: z.string().min(1) }))
    .nullish(),
  normalizer: part,
  pre_tokenizer: part,
  post_processor: part,
  model: z.looseObject({
    vocab: z.union(
      [
        z.array(z.tuple([z.string(), z.number()])).min(1),
        z.custom<object>(isVocabulary),
      ],
      {
        error: `expected tokens with whole numbers from 0 to ${MOST_TOKENS}, each of one token`,
      },
    ),
  }),
});

/** Tokens with an id each, as most kinds have them. */
function isVocabulary(value: unknown): boolean {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return false;
  const ids: unknown[] = Object.values(value);
  return (
    ids.length > 0 &&
    new Set(ids).size === ids.length &&
    ids.every(
      (v) => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= MOST_TOKENS,
    )
  );
}

const PADDING = ["[PAD]", "<pad>"];

/**
 * Opens a HuggingFace `tokenizer.json`, or the `vocab.txt` of a WordPiece
 * tokenizer as BERT has it.
 *
 * @throws DATA_FORMAT for a file that is neither, DATA_TOKENIZER for settings
 *   that do not fit it
 */
export function openTokenizer(file: string, settings: Settings): TextEncoder {
  const tokenizer = parseTokenizer(file, settings.lowercase);
  const { length, padding } = settings;
  const known = PADDING.map((t) => tokenizer.token_to_id(t)).find(
    (id) => id !== undefined,
  );
  if (known !== undefined && known !== padding)
    throw new UsageError(
      "DATA_TOKENIZER",
      `${file} fills up with token ${known}, the suite with ${padding}`,
      `State padding: ${known} under data, and under input for the model's mask.`,
    );
  const idsOf = (s: string, special: boolean) =>
    encoded(tokenizer, s, file, special);
  const special = idsOf("", true).length - idsOf("", false).length;
  if (special >= length)
    throw new UsageError(
      "DATA_TOKENIZER",
      `length ${length} leaves no token of the text beside the ${special} that ${file} puts around it`,
      "State the length that the model takes.",
    );
  const before = beforeIn(idsOf(PROBE, false), idsOf(PROBE, true));
  return {
    plain: (s) => idsOf(s, false),
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: false }),
    tokens: [...tokenizer.get_vocab(true)],
    before,
    room: length - special,
    encode(s) {
      const ids = cut(idsOf(s, true), before, special, length);
      return [...ids, ...Array(length - ids.length).fill(padding)];
    },
    words: new Set(
      [...tokenizer.get_vocab().keys()]
        .map((token) => token.replace(/^[Ġ▁]|<\/w>$/u, "").toLowerCase())
        .filter((token) => /^\p{L}+$/u.test(token)),
    ),
  };
}

/**
 * The ids of texts by a tokenizer of the same kinds, with its special tokens, as
 * many as there are.
 *
 * @throws DATA_FORMAT for a file that is neither
 */
export function openTokens(file: string): (text: string) => number[] {
  const tokenizer = parseTokenizer(file, true);
  return (text) => encoded(tokenizer, text, file, true);
}

/** The ids of a text. What was tried can still fail on a text of another kind. */
function encoded(
  tokenizer: Tokenizer,
  text: string,
  file: string,
  special: boolean,
): number[] {
  try {
    return tokenizer.encode(text, { add_special_tokens: special }).ids;
  } catch (error) {
    throw new AssayError(
      "DATA_FORMAT",
      `${file} fails on a text: ${messageOf(error)}`,
      "Give the tokenizer.json that was saved with the model.",
      { cause: error },
    );
  }
}

function parseTokenizer(file: string, lowercase: boolean): Tokenizer {
  const text = new TextDecoder().decode(readFile(file));
  try {
    const parsed = /\.txt$/i.test(file)
      ? wordPiece(text, lowercase)
      : tokenizerSchema.parse(JSON.parse(text));
    requireTried(parsed, text);
    // Models of whole words take their unknown token from the settings alone.
    return new Tokenizer(parsed, { unk_token: parsed.model.unk_token });
  } catch (error) {
    throw new AssayError(
      "DATA_FORMAT",
      `${file} cannot be read as a tokenizer: ${whyOf(error)}`,
      "Give the tokenizer.json that was saved with the model, or a WordPiece vocab.txt.",
      { cause: error },
    );
  }
}

/** Of what a schema finds, the first. */
function whyOf(error: unknown): string {
  const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
  if (!issue) return messageOf(error);
  return `${issue.path.join(".") || "the file"}: ${issue.message}`;
}

/**
 * The ids with the special tokens around them, of which the end of the text is left out
 * where there are too many.
 */
function cut(
  whole: number[],
  before: number,
  special: number,
  length: number,
): number[] {
  if (whole.length <= length) return whole;
  return [
    ...whole.slice(0, before + length - special),
    ...whole.slice(whole.length - (special - before)),
  ];
}

/** A text of any tokenizer that has tokens. */
const PROBE = "a";

/** How many tokens stand before those of a text alone. */
function beforeIn(plain: readonly number[], whole: readonly number[]): number {
  const around = whole.length - plain.length;
  let before = 0;
  while (before < around && plain.some((id, i) => id !== whole[before + i]))
    before++;
  return before;
}

/** What a tokenizer.json says for a vocabulary of BERT, a token a line. */
function wordPiece(text: string, lowercase: boolean) {
  const tokens = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].filter(
    (token) => vocab[token] !== undefined,
  );
  for (const token of ["[UNK]", "[CLS]", "[SEP]"])
    if (!special.includes(token)) throw new Error(`it has no token ${token}`);
  const around = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const sequence = { Sequence: { id: "A", type_id: 0 } };
  return {
    added_tokens: special.map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [around("[CLS]"), sequence, around("[SEP]")],
      pair: [],
      special_tokens: Object.fromEntries(
        ["[CLS]", "[SEP]"].map((id) => [
          id,
          { id, ids: [vocab[id]], tokens: [id] },
        ]),
      ),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}
