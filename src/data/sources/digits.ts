import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { AssayError, packagePath, readFile } from "#core";
import { tensor } from "#onnx";
import { imageSize, resized } from "../resize.ts";
import { defineSource } from "../source.ts";

const side = 8;
const pixels = side * side;
/** Each value counts the set pixels in a 4x4 block of the scan. */
const brightest = 16;

/**
 * The built-in dataset: 1,797 handwritten digits, `[1797, 1, 8, 8]`
 * (Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49).
 */
export const digits = defineSource({
  schema: z
    .strictObject({
      source: z.literal("digits"),
      size: imageSize,
    })
    .describe("The built-in 8x8 handwritten digits; needs no files."),

  async read({ size }) {
    const file = "src/data/digits.csv.gz";
    const text = gunzipSync(readFile(packagePath(file))).toString("latin1");
    const lines = text.trimEnd().split("\n");
    const x = new Float32Array(lines.length * pixels);
    const y = new Int32Array(lines.length);
    for (const [row, line] of lines.entries()) {
      const values = line.split(",").map(Number);
      if (values.length !== pixels + 1 || !values.every(Number.isInteger)) {
        throw new AssayError(
          "DATA_ROW",
          `${file}, row ${row + 1} is not ${pixels + 1} whole numbers`,
          "Install Assay again; the file was changed.",
        );
      }
      const label = values.pop() as number;
      x.set(
        values.map((value) => value / brightest),
        row * pixels,
      );
      y[row] = label;
    }
    return {
      name: "digits",
      x: await resized(
        tensor("float32", [lines.length, 1, side, side], x),
        size,
      ),
      y,
      classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
      locate: (_part, sample) =>
        sample === undefined ? file : `${file}, row ${sample + 1}`,
    };
  },
});
