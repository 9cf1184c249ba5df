import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModel } from "#onnx";
import { measured } from "../measured.ts";
import { large } from "./models.ts";

/**
 * Prints what `assay inspect` takes of large models: time, that of the processor, and
 * the most memory of its processes together, beyond the file.
 */
export async function inspect(
  only: readonly string[] = Object.keys(large),
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  console.log("model        seconds  of the processor  MB beyond the file");
  try {
    for (const name of only) {
      const file = join(folder, "model.onnx");
      writeModel(file, large[name]!().graph);
      const { seconds, processor, memory } = await measured("inspect", file);
      const beyond = (memory - statSync(file).size) / 1e6;
      console.log(
        `${name.padEnd(13)}${seconds.toFixed(1).padEnd(9)}${processor.toFixed(1).padEnd(18)}${beyond.toFixed(0)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
