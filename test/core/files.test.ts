import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeFile, writeParts } from "#core";
import { temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

test("a file is written with the folders around it", () => {
  const path = join(folder, "a", "b", "c.txt");
  writeFile(path, "x");
  writeParts(join(folder, "d", "e.txt"), [Buffer.from("y")]);
  expect(readFileSync(path, "utf8")).toBe("x");
  expect(readFileSync(join(folder, "d", "e.txt"), "utf8")).toBe("y");
});

test.runIf(existsSync("/proc/self"))(
  "a folder that can never be is refused, not tried for ever",
  () => {
    expect(() => writeFile("/proc/assay/x/results.json", "")).toThrow(
      /cannot be written/,
    );
  },
);

test("a folder below a file is refused", () => {
  writeFile(join(folder, "file"), "");
  expect(() => writeFile(join(folder, "file", "x", "y"), "")).toThrow(
    expect.objectContaining({ code: "FILE_UNWRITABLE" }),
  );
});
