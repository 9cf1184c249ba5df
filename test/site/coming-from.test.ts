import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { catalog } from "#audit";
import { encodeNpy, packagePath } from "#core";
import { takeSamples } from "#data";
import { saveModel } from "#model";
import { floats } from "#onnx";
import { reference, smallDigits } from "../reference.ts";

const text = readFileSync(packagePath("docs/coming-from.md"), "utf8");

/** Every program of the document, on few samples and by the built package. */
const programs = Array.from(
  text.matchAll(/```js\n(.*?)```/gs),
  ([, code = ""]) =>
    code.replace(
      'from "assay"',
      `from ${JSON.stringify(packagePath("dist/src/index.js"))}`,
    ),
);

test("every program beside those of other libraries runs as it stands", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-coming-"));
  saveModel(join(folder, "model.onnx"), await reference());
  const { test: samples } = await smallDigits();
  const { x, y, classes } = takeSamples(
    samples,
    Array.from({ length: 20 }, (_, i) => i),
  );
  const hot = new Float32Array(y.length * classes.length);
  for (const [i, label] of y.entries()) hot[i * classes.length + label] = 1;
  writeFileSync(
    join(folder, "test.npz"),
    zipSync({
      "x.npy": encodeNpy(x),
      "y.npy": encodeNpy(floats([y.length, classes.length], hot)),
    }),
  );
  expect(programs).toHaveLength(3);
  for (const [i, program] of programs.entries()) {
    writeFileSync(join(folder, `${i}.mjs`), program);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [`${i}.mjs`],
      { cwd: folder },
    );
    expect(stdout).toMatch(/0\.\d+|\b[01]\b/);
  }
});

test("what it names is there", () => {
  const ids = new Set(
    Object.values(catalog).flatMap((list) => list().map(({ id }) => id)),
  );
  const rows = Array.from(
    text.slice(text.indexOf("## What differs")).matchAll(/^\|.*\| (.*) \|$/gm),
    ([, cell = ""]) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, id]) => id!),
  ).flat();
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((id) => !ids.has(id))).toEqual([]);
});
