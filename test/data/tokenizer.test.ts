import { afterEach, describe, expect, test } from "vitest";
import { openTokens } from "#data";
import { patience } from "../../src/data/threads.ts";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

const { seconds } = patience;
afterEach(() => {
  patience.seconds = seconds;
});

const special = { special: true, normalized: false, single_word: false };
const good = {
  added_tokens: [{ id: 0, content: "[UNK]", ...special }],
  normalizer: null as object | null,
  pre_tokenizer: { type: "Whitespace" } as object,
  post_processor: null as object | null,
  decoder: null,
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: { "[UNK]": 0, a: 1, b: 2 } as object,
  },
};
let count = 0;
const open = (change: object) =>
  openTokens(
    put(folder, `${count++}.json`, JSON.stringify({ ...good, ...change })),
  );

const withVocab = (vocab: unknown) => ({ model: { ...good.model, vocab } });

describe("a tokenizer file", () => {
  test("that is right reads texts", () => {
    expect(open({})("a b c")).toEqual([1, 2, 0]);
  });

  test.each<[string, object, RegExp]>([
    ["an empty vocabulary", withVocab({}), /model\.vocab/],
    ["an id twice", withVocab({ a: 1, b: 1 }), /model\.vocab/],
    ["a huge id", withVocab({ a: 0, b: 2 ** 31 - 1 }), /model\.vocab/],
    ["an id that is text", withVocab({ a: "0" }), /model\.vocab/],
    ["no model", { model: null }, /model/],
    [
      "an added token that is a number",
      { added_tokens: [{ ...special, id: 0, content: 5 }] },
      /added_tokens\.0\.content/,
    ],
    [
      "a pattern of an unknown kind, which would split nothing",
      {
        pre_tokenizer: {
          type: "Split",
          pattern: { Ragex: "\\s" },
          behavior: "Isolated",
        },
      },
      /Unknown pattern type.*Ragex/,
    ],
    ["a part without a kind", { pre_tokenizer: {} }, /pre_tokenizer\.type/],
    [
      "tokens around a text that are nothing",
      { post_processor: { type: "BertProcessing", sep: ["a", 1], cls: null } },
      /cannot be read as a tokenizer: \S+/,
    ],
  ])("with %s is refused in one line", (_, change, message) => {
    expect(() => open(change)).toThrow(
      expect.objectContaining({
        code: "DATA_FORMAT",
        message: expect.stringMatching(message),
      }),
    );
  });

  test.each(["(\\w+\\s?)+$", "(z|zz)+q", "(α+)+β"])(
    "whose regular expression never ends is stopped: %s",
    (Regex) => {
      const pre_tokenizer = {
        type: "Split",
        pattern: { Regex },
        behavior: "Isolated",
        invert: false,
      };
      patience.seconds = 1;
      expect(() => open({ pre_tokenizer })).toThrow(/takes more than 1 s/);
    },
  );

  test("whose replacements multiply is stopped", () => {
    const normalizers = Array.from({ length: 12 }, () => ({
      type: "Replace",
      pattern: { String: "e" },
      content: "e".repeat(100),
    }));
    expect(() =>
      open({ normalizer: { type: "Sequence", normalizers } }),
    ).toThrow(/cannot be read as a tokenizer/);
  });
});
