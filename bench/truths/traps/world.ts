import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "#core";
import { type Dataset, loadDataset, selectClasses, splitDataset } from "#data";
import { type FloatTensor, floats } from "#onnx";
import type { Parts } from "../digits.ts";

/** Data of one shape, as it was drawn and split by one seed. */
export interface World extends Parts {
  readonly id: WorldId;
  readonly seed: number;
  /** Where the files are that the audits read: `x.npy` and `y.npy` of the test part. */
  readonly folder: string;
}

type Samples = Pick<Dataset, "x" | "y">;

export type WorldId = keyof typeof worlds;

/**
 * Linf budgets: so large that a plain network falls, and so small that some samples of
 * an honest one stand.
 */
export const BUDGETS = { large: 0.1, small: 0.05 };

/** The shapes of samples, and how they are come by. */
export const worlds = {
  "14x14": () => images(14),
  "28x28": () => images(28),
  table: clusters,
} as const;

/** Half of the samples to learn from; the audits see the other half alone. */
export async function worldOf(
  id: WorldId,
  seed: number,
  folder: string,
): Promise<World> {
  const random = new Random(seed);
  const { x, y } = await worlds[id](random.fork("samples"));
  write(folder, x, y);
  const all = await loadDataset({ ...spec, ignore: -100, blank: 0 }, folder);
  const parts = splitDataset(
    all,
    { train: 0.45, validation: 0.05, test: 0.5 },
    random.fork("split"),
  );
  write(folder, parts.test.x, parts.test.y);
  const rows = Array.from(parts.test.y.keys());
  for (const [part, some] of [
    ["test", rows.slice(0, SAMPLES)],
    ["validation", rows.slice(SAMPLES, 2 * SAMPLES)],
    ["train", rows.slice(2 * SAMPLES)],
  ] as const)
    writeFileSync(join(folder, `${part}.txt`), some.join("\n"));
  return { id, seed, folder, ...parts };
}

/** What a suite says of these files. */
export const spec = { source: "npy", x: "x.npy", y: "y.npy" } as const;

/** The digits 0 to 4, as wide and as high as this. */
const images = async (size: number): Promise<Samples> =>
  selectClasses(await loadDataset({ source: "digits", size }, "."), [
    "0",
    "1",
    "2",
    "3",
    "4",
  ]);

/** Samples that are attacked, the first of the test part. */
export const SAMPLES = 40;

const COLUMNS = 12;
const ROWS = 900;

/** Rows of three classes, each of two clusters. */
async function clusters(random: Random): Promise<Samples> {
  const centres = Array.from({ length: 6 }, () =>
    Array.from({ length: COLUMNS }, () => 0.2 + 0.6 * random.uniform()),
  );
  const x = floats([ROWS, COLUMNS], new Float32Array(ROWS * COLUMNS));
  const y = new Int32Array(ROWS);
  for (let i = 0; i < ROWS; i++) {
    const centre = random.below(centres.length);
    y[i] = centre % 3;
    centres[centre]!.forEach((at, k) => {
      const value = at + 0.1 * random.normal();
      x.data[i * COLUMNS + k] = Math.min(1, Math.max(0, value));
    });
  }
  return { x, y };
}

/** Writes samples as NumPy does. */
function write(folder: string, x: FloatTensor, y: Int32Array): void {
  const file = (
    name: string,
    type: string,
    dims: readonly number[],
    data: ArrayBufferView,
  ) => {
    const shape = `(${dims.join(", ")}${dims.length === 1 ? "," : ""})`;
    const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`;
    const padded = `${header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11)}\n`;
    const size = Buffer.alloc(2);
    size.writeUInt16LE(padded.length);
    const magic = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0]);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    writeFileSync(
      join(folder, name),
      Buffer.concat([magic, size, Buffer.from(padded), bytes]),
    );
  };
  file("x.npy", "<f4", x.dims, x.data);
  file("y.npy", "<i4", [y.length], y);
}
