import { basename, resolve } from "node:path";
import { z } from "zod";
import { AssayError } from "#core";
import { imageKeys, readImages } from "../image-files.ts";
import type { ImageFile } from "../image-stream.ts";
import { sequencesOf } from "../sequences.ts";
import { cellsAt, inOrder, partsOf, placeOf, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { isJsonLines, readTextRows } from "../text/rows.ts";

/**
 * Images with what is written in them, for models without an alignment (CTC): a table
 * that names each image and its text, whose characters are the classes, or its list of
 * classes by name.
 */
export const transcripts = defineSource({
  schema: z
    .strictObject({
      source: z.literal("transcripts"),
      path: z
        .string()
        .regex(/\.(csv|tsv|jsonl)$/i, {
          error: "expected .csv, .tsv or .jsonl",
        })
        .describe(
          "A .csv or .tsv file with names of columns, or a .jsonl file, an object a line.",
        ),
      image: z
        .string()
        .min(1)
        .default("image")
        .describe(
          "The column that names image files, from the table's folder.",
        ),
      text: z
        .string()
        .min(1)
        .default("text")
        .describe(
          "The column of what they say: a text, each character of which is a class, or in .jsonl a list of names of classes.",
        ),
      split: z
        .string()
        .min(1)
        .optional()
        .describe(
          "The column that says which part each image is in: train, validation or test.",
        ),
      classes: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          "Names of the classes, in the order of the model's outputs, without the blank; those that occur when left out.",
        ),
      ...imageKeys,
    })
    .describe("Images with what is written in them, without an alignment."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const sheet = readTextRows(file, { header: true });
    const images = imagesIn(sheet, spec.image);
    const said = wordsIn(sheet, spec.text);
    const classes = spec.classes ?? inOrder(said.flat());
    const numbers = new Map(classes.map((name, k) => [name, k] as const));
    const labels = said.map((names, i) =>
      names.map((name) => {
        const k = numbers.get(name);
        if (k !== undefined) return k;
        throw new AssayError(
          "DATA_LABEL",
          `${sheet.place(i)} has ${JSON.stringify(name)}, expected one of: ${classes.slice(0, 40).join(" ")}`,
          "Correct the text, or name every class.",
        );
      }),
    );
    const locate = (_part: unknown, sample?: number) =>
      sample === undefined ? file : sheet.place(sample);
    if (images.length === 0)
      throw new AssayError(
        "DATA_EMPTY",
        `${file} has no rows`,
        "Give images, each with what it says.",
      );
    return {
      name: basename(sheet.name),
      x: await readImages(images, spec),
      ...sequencesOf(labels, classes),
      parts: spec.split === undefined ? undefined : partsOf(sheet, spec.split),
      locate,
    };
  },
});

function imagesIn(sheet: Sheet, column: string): ImageFile[] {
  const at = placeOf(sheet, column);
  return cellsAt(sheet, at).map((cell, i) => {
    const name = String(cell ?? "").trim();
    if (name !== "")
      return { file: resolve(sheet.file, "..", name), shown: name };
    throw new AssayError(
      "DATA_CELL",
      `${sheet.place(i)}, column "${column}" names no file`,
      "Correct the value, or remove the row.",
    );
  });
}

/** The names of classes in each row: characters of a text, or a list. */
function wordsIn(sheet: Sheet, column: string): string[][] {
  const at = placeOf(sheet, column);
  const isJson = isJsonLines(sheet.file);
  return cellsAt(sheet, at).map((cell, i) => {
    if (Array.isArray(cell) && cell.every((one) => typeof one === "string"))
      return cell;
    if (typeof cell === "string") return [...cell];
    throw new AssayError(
      "DATA_CELL",
      `${sheet.place(i)}, "${column}" is no text${isJson ? ", and no list of names" : ""}`,
      "Write what the image says, such as 2041, or a list of names of classes in .jsonl.",
    );
  });
}
