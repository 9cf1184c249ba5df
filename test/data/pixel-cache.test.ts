import {
  existsSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HASH, keepPixels, recallPixels } from "../../src/data/pixel-cache.ts";
import { temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
const images = join(home, "images");
beforeEach(() => {
  vi.stubEnv("ASSAY_CACHE", home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const rows = new Uint8Array(40).fill(7);
const hashes = new Uint8Array(4 * HASH).fill(1);
const kept = (key: string, most = 2 ** 20) => {
  const keeping = keepPixels(key, 4, 10, most);
  keeping.add(rows);
  return keeping.end(hashes);
};

test.skipIf(!existsSync("/dev/full"))(
  "a disk that is full leaves what was kept, and nothing else",
  () => {
    kept("a");
    for (const [most, name] of [
      [2 ** 20, "b.pixels"],
      [0, "b.hashes"],
    ] as const) {
      // The file that is written first lies on a disk that takes nothing.
      symlinkSync("/dev/full", join(images, `b.${process.pid}.part`));
      expect(() => kept("b", most)).toThrow(
        `${name} cannot be written: ENOSPC`,
      );
      expect(readdirSync(images)).toEqual(["a.pixels"]);
    }
    expect(recallPixels("a", 4, 10)?.hashes).toEqual(Buffer.from(hashes));
    expect(kept("b").file).toMatch(/b\.pixels$/);
    expect(recallPixels("b", 4, 10)?.hashes).toEqual(Buffer.from(hashes));
  },
);

test("a process that ends meanwhile leaves nothing half written", () => {
  const before = new Set(process.listeners("exit"));
  const keeping = keepPixels("c", 4, 10, 2 ** 20);
  keeping.add(rows);
  const added = process.listeners("exit").filter((one) => !before.has(one));
  expect(readdirSync(images).filter((name) => /part$/.test(name))).toHaveLength(
    1,
  );
  for (const end of added) end(0);
  expect(readdirSync(images).filter((name) => /^c\./.test(name))).toEqual([]);
  expect(process.listeners("exit")).toHaveLength(before.size);
});

test("what a killed process left makes room after an hour", () => {
  const [young, old] = ["x.1.part", "y.2.part"].map((name) =>
    join(images, name),
  ) as [string, string];
  for (const file of [young, old]) writeFileSync(file, "half");
  const hours = (n: number) => Date.now() / 1000 - 3600 * n;
  utimesSync(young, hours(0.5), hours(0.5));
  utimesSync(old, hours(2), hours(2));
  kept("d");
  const left = readdirSync(images);
  expect(left).toContain("x.1.part");
  expect(left).not.toContain("y.2.part");
  expect(left).toContain("d.pixels");
});
