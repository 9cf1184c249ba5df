import { resolve } from "node:path";
import { z } from "zod";
import { AssayError, hashOf, readFile, sha256, UsageError } from "#core";
import { tensor } from "#onnx";
import { textRepairs } from "#texts";
import type { TextReader } from "../dataset.ts";
import { answersOf, cellsAt, partsOf, placeOf, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { idsOf } from "../text/ids.ts";
import { isJsonLines, readTextRows } from "../text/rows.ts";
import { openTokenizer } from "../text/tokenizer.ts";
import { tokens } from "./tokens.ts";

const column = z.union([z.string().min(1), z.int().positive()]);

/** Texts with a class each, as token ids. */
export const text = defineSource({
  schema: z
    .strictObject({
      source: z.literal("text"),
      path: z
        .string()
        .min(1)
        .describe("A .tsv or .csv file, or .jsonl with an object a line."),
      header: z
        .boolean()
        .default(true)
        .describe(
          "Whether the first line of a .tsv or .csv file names the columns.",
        ),
      delimiter: z
        .string()
        .length(1)
        .optional()
        .describe("A tab, and of a .csv a comma, when left out."),
      quotes: z
        .boolean()
        .optional()
        .describe(
          "Whether a value that begins with a quote stands in quotes, with those inside doubled; told by the file when left out.",
        ),
      text: column
        .default("text")
        .describe(
          "The column of texts, by name, or by number from 1, where they have an order.",
        ),
      label: column
        .default("label")
        .describe(
          "The column of classes, by name, or by number from 1, where they have an order.",
        ),
      split: column
        .optional()
        .describe(
          "The column that says which part each text is in: train, validation or test.",
        ),
      classes: z.array(z.string().min(1)).min(2).optional(),
      ...tokens,
      sanitize: z
        .array(z.enum(Object.keys(textRepairs) as (keyof typeof textRepairs)[]))
        .default([])
        .describe("What is done to each text first, in this order."),
    })
    .describe("Texts of a TSV, CSV or JSONL file through a tokenizer."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const sheet = readTextRows(file, spec);
    const nameOf = (given: string | number) => {
      if (typeof given === "string") return given;
      if (isJsonLines(file)) throw noNumber(file, given);
      return sheet.columns[given - 1] ?? `column ${given}`;
    };
    const strings = textsOf(sheet, nameOf(spec.text));
    const reader = readerOf(spec, folder);
    return {
      name: sheet.name,
      x: tensor(
        "float32",
        [strings.length, spec.length],
        idsOf(strings, spec.length, reader.read),
      ),
      ...answersOf(sheet, {
        label: nameOf(spec.label),
        classes: spec.classes,
      }),
      parts:
        spec.split === undefined
          ? undefined
          : partsOf(sheet, nameOf(spec.split)),
      texts: { strings, reader },
      locate: (_part, sample) =>
        sample === undefined ? file : sheet.place(sample),
    };
  },
});

type Spec = z.output<typeof text.schema>;

/** How texts are read: repaired as the suite states, then made tokens. */
function readerOf(spec: Spec, folder: string): TextReader {
  const { lowercase, length, padding, sanitize } = spec;
  const file = resolve(folder, spec.tokenizer);
  const { encode, words } = openTokenizer(file, spec);
  return {
    read: (one) =>
      encode(sanitize.reduce((t, id) => textRepairs[id](t, words), one)),
    words,
    hash: hashOf([
      sha256(readFile(file)),
      { lowercase, length, padding, sanitize },
    ]),
  };
}

function textsOf(sheet: Sheet, name: string): string[] {
  if (sheet.count === 0)
    throw new AssayError(
      "DATA_EMPTY",
      `${sheet.file} has no texts`,
      "Give a file with at least one text of each class.",
    );
  const at = placeOf(sheet, name);
  return cellsAt(sheet, at).map((cell, i) => {
    if (typeof cell === "string" && cell.trim() !== "") return cell;
    throw new AssayError(
      "DATA_CELL",
      `${sheet.place(i)}, column "${name}" has no text`,
      "Correct the value, or remove the row.",
    );
  });
}

/** The keys of a JSON object are in no order that could be counted on. */
const noNumber = (file: string, given: number) =>
  new UsageError(
    "DATA_COLUMN",
    `${file} has no column ${given}: the keys of JSON objects have names, and no numbers`,
    "Name the key: text: review.",
  );
