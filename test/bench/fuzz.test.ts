import { afterEach, expect, test } from "vitest";
import { AssayError } from "#core";
import { attempts } from "../../bench/fuzz/attempts.ts";
import { readers } from "../../bench/fuzz/readers.ts";
import { patience } from "../../src/data/threads.ts";
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

/** Readers in a thread, which damage may make loop until it is stopped. */
const stopped: readonly string[] = ["parquet", "arrow"];

const { seconds } = patience;
afterEach(() => {
  patience.seconds = seconds;
});

test.each([...readers])(
  "mutated files for the reader %s give a result or one clear error",
  async (name, reader) => {
    // To be stopped is one clear error whenever it comes.
    if (stopped.includes(name)) patience.seconds = 0.25;
    const count = process.env.ASSAY_LONG ? 20_000 : 200;
    expect(await attempts(reader, { seed: 1, from: 0, count }, folder)).toEqual(
      [],
    );
  },
);

test("what is printed, or is no clear line, is a find", async () => {
  const seeds = [Uint8Array.of(1, 2, 3)];
  const found = async (read: () => unknown) =>
    (
      await attempts(
        { file: "f", seeds, read },
        { seed: 1, from: 0, count: 1 },
        folder,
      )
    ).map(({ what }) => what.split("\n")[0]);
  const refuse = (hint: string) => () => {
    throw new AssayError("CODE", "not so", hint);
  };
  expect(await found(refuse("Write it again."))).toEqual([]);
  expect(await found(refuse(""))).toEqual(["AssayError: not so"]);
  expect(await found(() => console.warn("a secret"))).toEqual([
    "it printed a secret",
  ]);
  expect(await found(() => JSON.parse("null").x)).toEqual([
    expect.stringMatching(/^TypeError/),
  ]);
});
