import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * What `writeFile` and `writeParts` write before a file has its name: `x.json.` and a
 * number, or `x.onnx.part`.
 */
const draft = /\.(?:(?:json|npy|onnx|md|html|xml|sarif)\.\d{1,10}|part)$/;

/**
 * Removes what writes that were killed left in a folder.
 *
 * @param isOld whether it is none of a write that goes on
 */
export function sweep(folder: string, isOld: (path: string) => boolean): void {
  for (const file of readdirSync(folder, {
    recursive: true,
    encoding: "utf8",
  })) {
    if (!draft.test(file)) continue;
    const path = join(folder, file);
    try {
      if (isOld(path)) rmSync(path);
    } catch {
      // It has its name meanwhile.
    }
  }
}
