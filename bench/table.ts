import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "#core";
import { dataSpecSchema, loadDataset } from "#data";

/** Rows that are written at once. */
const BLOCK = 1000;

/**
 * What it takes to read a CSV of numbers and a label that is larger than what is held:
 * memory, and seconds of the processor.
 */
export async function table(rows: number, columns: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-table-"));
  // What was read before is not to be found.
  process.env.ASSAY_CACHE = join(folder, "cache");
  try {
    const file = join(folder, "t.csv");
    write(file, rows, columns);
    const before = process.cpuUsage();
    const spec = dataSpecSchema.parse({
      source: "csv",
      path: file,
      label: "y",
    });
    const { x, fingerprint } = await loadDataset(spec, folder);
    const { user, system } = process.cpuUsage(before);
    console.log(
      `CSV of ${x.dims.join(" x ")} numbers, ${(statSync(file).size / 1e6).toFixed(0)} MB: ${((user + system) / 1e6).toFixed(1)} s of the processor, peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB, fingerprint ${fingerprint.slice(0, 12)}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function write(path: string, rows: number, columns: number): void {
  const random = new Random(3);
  const file = openSync(path, "w");
  const names = Array.from({ length: columns }, (_, k) => `x${k}`);
  writeSync(file, `${[...names, "y"].join()}\n`);
  for (let from = 0; from < rows; from += BLOCK) {
    const lines: string[] = [];
    for (let i = from; i < Math.min(rows, from + BLOCK); i++)
      lines.push(
        `${names.map(() => random.uniform().toFixed(5)).join()},${i % 2 ? "yes" : "no"}\n`,
      );
    writeSync(file, lines.join(""));
  }
  closeSync(file);
}
