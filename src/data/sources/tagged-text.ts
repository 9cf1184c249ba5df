import { resolve } from "node:path";
import { z } from "zod";
import { AssayError, hashOf, readFile, sha256 } from "#core";
import { tensor } from "#onnx";
import { answersAt } from "../positions.ts";
import { cellsAt, inOrder, partsOf, placeOf, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { idsOf } from "../text/ids.ts";
import { readTextRows } from "../text/rows.ts";
import { openTokenizer, type TextEncoder } from "../text/tokenizer.ts";
import { tokens } from "./tokens.ts";

/**
 * Texts with a class for each word, as token ids. The class of a word is that of its
 * first token; the others, special tokens and padding do not count (as in Devlin et al.
 * 2019, arXiv:1810.04805, section 5.3), nor does what is cut off behind `length`.
 */
export const taggedText = defineSource({
  schema: z
    .strictObject({
      source: z.literal("tagged-text"),
      path: z
        .string()
        .regex(/\.jsonl$/i, { error: "expected a .jsonl file" })
        .describe("A .jsonl file, an object with a text a line."),
      words: z
        .string()
        .min(1)
        .default("words")
        .describe("The key of the list of words."),
      labels: z
        .string()
        .min(1)
        .default("labels")
        .describe("The key of the list of their classes, by name or number."),
      split: z
        .string()
        .min(1)
        .optional()
        .describe(
          "The key that says which part each text is in: train, validation or test.",
        ),
      classes: z
        .array(z.string().min(1))
        .min(2)
        .optional()
        .describe("Names of the classes, in the order of the model's outputs."),
      ignore: z
        .int()
        .default(-100)
        .describe("The label of words that do not count."),
      ...tokens,
    })
    .describe("Texts with a class for each word, through a tokenizer."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const sheet = readTextRows(file, { header: true });
    const { length, ignore, lowercase, padding } = spec;
    const words = listsIn(sheet, spec.words).map((list, i) =>
      list.map((word) => wordOf(word, sheet.place(i))),
    );
    const { numbers, classes } = numbered(
      listsIn(sheet, spec.labels),
      spec,
      sheet,
    );
    const tokenizer = resolve(folder, spec.tokenizer);
    const encoder = openTokenizer(tokenizer, spec);
    const labels = new Int32Array(words.length * length).fill(ignore);
    const strings = words.map((list, i) => {
      const tags = numbers[i]!;
      if (tags.length !== list.length)
        throw new AssayError(
          "DATA_COUNT",
          `${sheet.place(i)} has ${list.length} words and ${tags.length} labels`,
          "Give each word a label.",
        );
      const places = placesOf(list, encoder);
      if (!places) throw noTokens(sheet.place(i));
      for (const [w, at] of places.entries())
        if (at < length) labels[i * length + at] = tags[w]!;
      return list.join(" ");
    });
    return {
      name: sheet.name,
      x: tensor(
        "float32",
        [strings.length, length],
        idsOf(strings, length, encoder.encode),
      ),
      ...answersAt(
        labels,
        strings.length,
        [length],
        { classes, ignore },
        sheet.place,
      ),
      parts: spec.split === undefined ? undefined : partsOf(sheet, spec.split),
      texts: {
        strings,
        reader: {
          read: encoder.encode,
          places: (one) => placesOf(one.split(" "), encoder),
          words: encoder.words,
          hash: hashOf([
            sha256(readFile(tokenizer)),
            { lowercase, length, padding },
          ]),
        },
      },
      locate: (_part, sample) =>
        sample === undefined ? file : sheet.place(sample),
    };
  },
});

/** A list in each row under a key. */
function listsIn(sheet: Sheet, key: string): unknown[][] {
  const at = placeOf(sheet, key);
  return cellsAt(sheet, at).map((cell, i) => {
    if (Array.isArray(cell) && cell.length > 0) return cell;
    throw new AssayError(
      "DATA_CELL",
      `${sheet.place(i)}, "${key}" is no list with anything in it`,
      'Write lists, such as {"words": ["in", "Rome"], "labels": ["O", "LOC"]}.',
    );
  });
}

const noTokens = (place: string) =>
  new AssayError(
    "DATA_TOKENIZER",
    `${place} has a word without tokens of its own`,
    "Split words as the tokenizer does, and leave out what it passes over.",
  );

function wordOf(word: unknown, place: string): string {
  if (typeof word === "string" && word !== "" && !/\s/.test(word)) return word;
  throw new AssayError(
    "DATA_CELL",
    `${place} has ${JSON.stringify(word)} among its words`,
    "Give words as texts without spaces in them.",
  );
}

/** Labels as numbers of classes: they are numbers, or names. */
function numbered(
  lists: readonly (readonly unknown[])[],
  { classes, ignore }: { classes?: string[] | undefined; ignore: number },
  sheet: Sheet,
): { numbers: number[][]; classes: string[] | undefined } {
  if (lists.every((list) => list.every((label) => typeof label === "number")))
    return { numbers: lists as number[][], classes };
  const given = lists.flat().filter((label) => label !== ignore);
  const names = classes ?? inOrder(given.map(String));
  const numbers = lists.map((list, i) =>
    list.map((label) => {
      const k = label === ignore ? ignore : names.indexOf(label as string);
      if (k !== -1) return k;
      throw new AssayError(
        "DATA_LABEL",
        `${sheet.place(i)} has the label ${JSON.stringify(label)}, expected one of: ${names.slice(0, 20).join(", ")}`,
        "Correct the label, or name every class.",
      );
    }),
  );
  return { numbers, classes: names };
}

/**
 * Where the first token of each word is among the ids of the whole text; Infinity for a
 * word that is cut off. Null where words do not become tokens one after the other.
 */
function placesOf(
  words: readonly string[],
  { plain, before, room }: TextEncoder,
): number[] | null {
  const counts = alone(words, plain) ?? alongside(words, plain);
  if (!counts) return null;
  let from = 0;
  return counts.map((count) => {
    const at = from < room ? before + from : Number.POSITIVE_INFINITY;
    from += count;
    return at;
  });
}

/**
 * How many tokens each word has by itself, where those of the text are theirs in a row.
 */
function alone(
  words: readonly string[],
  plain: TextEncoder["plain"],
): number[] | null {
  const each = words.map((word, w) => plain(w > 0 ? ` ${word}` : word));
  const whole = plain(words.join(" "));
  const isRow = each.flat().join() === whole.join();
  return isRow && each.every((ids) => ids.length > 0)
    ? each.map((ids) => ids.length)
    : null;
}

/** The same by what each word adds to the text before it. */
function alongside(
  words: readonly string[],
  plain: TextEncoder["plain"],
): number[] | null {
  const whole = plain(words.join(" "));
  const counts: number[] = [];
  let from = 0;
  for (const w of words.keys()) {
    const part = plain(words.slice(0, w + 1).join(" "));
    if (part.length <= from || part.some((id, i) => id !== whole[i]))
      return null;
    counts.push(part.length - from);
    from = part.length;
  }
  return counts;
}
