import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkReferences, loadSuite, planCells, planTrials } from "#audit";
import { packagePath } from "#core";

const suites = readdirSync(packagePath("suites")).filter((name) =>
  name.endsWith(".yaml"),
);

test.each(suites)(
  "suites/%s is a suite with something to run",
  async (name) => {
    const { suite, file } = await loadSuite(packagePath("suites", name));
    expect(() => checkReferences(suite, file)).not.toThrow();
    expect(planCells(suite).length + planTrials(suite).length).toBeGreaterThan(
      0,
    );
  },
);

test("a repair that would undo the one before it is refused", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "assay-suite-")), "suite.yaml");
  writeFileSync(
    file,
    `version: 1
title: order
data: { source: digits }
candidates: { given: { model: model.onnx } }
repairs: { both: [fine-tuning, label-sanitisation] }
`,
  );
  await expect(loadSuite(file)).rejects.toThrow(/name it first/);
});
