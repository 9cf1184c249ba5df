import { basename, resolve } from "node:path";
import { z } from "zod";
import {
  AssayError,
  hashOf,
  messageOf,
  readFile,
  sha256,
  UsageError,
} from "#core";
import { tensor } from "#onnx";
import { textRepairs } from "#texts";
import type { TextReader } from "../dataset.ts";
import { answersOf, type Cell, placeOf, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { openTokenizer } from "../text/tokenizer.ts";
import { readCsv } from "./csv.ts";

const column = z.union([z.string().min(1), z.int().positive()]);

/** Texts with a class each, as token ids. */
export const text = defineSource({
  schema: z
    .strictObject({
      source: z.literal("text"),
      path: z
        .string()
        .min(1)
        .describe("A .tsv file, or .jsonl with an object a line."),
      header: z
        .boolean()
        .default(true)
        .describe("Whether the first line of a .tsv file names the columns."),
      text: column
        .default("text")
        .describe(
          "The column of texts, by name, or of a .tsv by number from 1.",
        ),
      label: column
        .default("label")
        .describe(
          "The column of classes, by name, or of a .tsv by number from 1.",
        ),
      classes: z.array(z.string().min(1)).min(2).optional(),
      tokenizer: z
        .string()
        .min(1)
        .describe("A HuggingFace tokenizer.json, or a WordPiece vocab.txt."),
      lowercase: z
        .boolean()
        .default(true)
        .describe("Of a vocab.txt: whether text is made lower case."),
      length: z.int().positive().describe("Tokens that the model takes."),
      padding: z
        .int()
        .nonnegative()
        .default(0)
        .describe("The token that fills up short texts."),
      sanitize: z
        .array(z.enum(Object.keys(textRepairs) as (keyof typeof textRepairs)[]))
        .default([])
        .describe("What is done to each text first, in this order."),
    })
    .describe("Texts of a TSV or JSONL file through a tokenizer."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const isJson = /\.jsonl$/i.test(file);
    const sheet = isJson
      ? readJsonLines(file)
      : readCsv(file, {
          delimiter: "\t",
          header: spec.header,
          skip: 0,
          quotes: false,
        });
    const nameOf = (given: string | number) => {
      if (typeof given === "string") return given;
      if (isJson) throw noNumber(file, given);
      return sheet.columns[given - 1] ?? `column ${given}`;
    };
    const strings = textsOf(sheet, nameOf(spec.text));
    const reader = readerOf(spec, folder);
    return {
      name: sheet.name,
      x: tensor(
        "float32",
        [strings.length, spec.length],
        Float32Array.from(strings.flatMap(reader.read)),
      ),
      ...answersOf(sheet, {
        label: nameOf(spec.label),
        classes: spec.classes,
      }),
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
  if (sheet.rows.length === 0)
    throw new AssayError(
      "DATA_EMPTY",
      `${sheet.file} has no texts`,
      "Give a file with at least one text of each class.",
    );
  const at = placeOf(sheet, name);
  return sheet.rows.map((row, i) => {
    const cell = row[at];
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

/** An object a line; the columns are the keys of the first. */
function readJsonLines(file: string): Sheet {
  const lines = new TextDecoder()
    .decode(readFile(file))
    .split("\n")
    .map((line, i) => ({ line, place: `${file}, line ${i + 1}` }))
    .filter(({ line }) => line.trim() !== "");
  const objects = lines.map(({ line, place }) => objectOf(line, place));
  const columns = [...(objects[0]?.keys() ?? [])];
  return {
    name: basename(file).replace(/\.jsonl$/i, ""),
    file,
    columns,
    rows: objects.map((object) => columns.map((key) => object.get(key))),
    place: (row) => lines[row]?.place ?? file,
  };
}

function objectOf(line: string, place: string): Map<string, Cell> {
  let why = "it is no object";
  try {
    const value: unknown = JSON.parse(line);
    if (value !== null && typeof value === "object" && !Array.isArray(value))
      return new Map(Object.entries(value));
  } catch (error) {
    why = messageOf(error);
  }
  throw new UsageError(
    "DATA_FORMAT",
    `${place} cannot be read as JSON: ${why}`,
    'Write an object a line, such as {"text": "fine", "label": 1}.',
  );
}
