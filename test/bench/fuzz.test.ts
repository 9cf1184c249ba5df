import { expect, test } from "vitest";
import { attempts } from "../../bench/fuzz/attempts.ts";
import { readers } from "../../bench/fuzz/readers.ts";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

test.each([...readers])(
  "the reader %s reads its files as they are",
  async (name, { file, seeds, read }) => {
    for (const seed of seeds.slice(0, 3)) {
      const path = put(folder, file, seed);
      // The tensor is read, and the model has none of its name.
      if (name === "safetensors")
        await expect(read(path)).rejects.toThrow(
          /has no weight "w" of shape \[1\]/,
        );
      else expect(await read(path)).toBeDefined();
    }
  },
);

// Fewer where a file takes long: a tokenizer is tried in a thread of its own, for a
// tenth of a second.
const few: ReadonlyMap<string, number> = new Map([
  ["tokenizer", 10],
  ["suite", 100],
  ["onnx", 500],
  ["safetensors", 200],
]);

test.each([...readers])(
  "mutated files for the reader %s give a result or one clear error",
  async (name, reader) => {
    const count = process.env.ASSAY_LONG ? 20_000 : (few.get(name) ?? 1000);
    expect(await attempts(reader, { seed: 1, from: 0, count }, folder)).toEqual(
      [],
    );
  },
);
