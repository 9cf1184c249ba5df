import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AssayError,
  jsonText,
  line,
  lines,
  visible,
  withoutUnseen,
} from "#core";

/** What may not reach a terminal. */
const control =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const anything = fc.string({ unit: "binary", maxLength: 2000 });

describe("text from outside", () => {
  it("is one visible line of at most 300 characters", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const shown = line(text);
        expect(Array.from(shown).length).toBeLessThanOrEqual(300);
        expect(shown).not.toMatch(control);
        expect(shown).not.toMatch(/\p{Cs}/u);
        const error = new AssayError("X", text, text);
        expect(error.message).toBe(shown);
        expect(error.hint).toBe(shown);
      }),
    );
  });

  it("keeps what people write, and both ends of what is too long", () => {
    expect(line("é 日本 👩‍🚀 [a]")).toBe("é 日本 👩‍🚀 [a]");
    expect(line("a\r\n\tb\u001b[2J")).toBe("a b\\u001b[2J");
    const long = line(`begin${"x".repeat(5000)}end`);
    expect(long).toMatch(/^beginx+…x+end$/);
    expect(Array.from(long)).toHaveLength(300);
  });

  it("keeps a line for each of several problems", () => {
    const error = new AssayError("X", ["one\u0007", "two\nlines"], "");
    expect(error.message).toBe("one\\u0007\ntwo lines");
  });

  it("is made visible wherever it stands in a value", () => {
    const value = { "a\u001b": ["\u202eb", new Map([["c\n", 1]])], n: null };
    expect(lines(value)).toEqual({
      "a\\u001b": ["\\u202eb", new Map([["c ", 1]])],
      n: null,
    });
  });

  it("has the same value in JSON, without control characters", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const json = jsonText({ [text]: [text] });
        expect(json.replaceAll("\n", "")).not.toMatch(control);
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
      }),
    );
  });

  it("leaves reports without what nobody sees", () => {
    expect(withoutUnseen("a\u0000\u001b\u202e\u0085b\n\tc")).toBe("ab\n\tc");
    expect(visible("\ud800")).toBe("\\ud800");
  });
});
