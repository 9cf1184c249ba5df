import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { examplesIn, runAudit } from "#audit";
import { packagePath } from "#core";
import { onnxruntime } from "#engine";
import { fatesOf, type Rows } from "#results";
import { temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();
const suite = join(folder, "quick.yaml");
writeFileSync(
  suite,
  readFileSync(packagePath("suites", "quick.yaml"), "utf8")
    .replaceAll("epochs: 10", "epochs: 1")
    .replace("samples: 100", "samples: 10"),
);
const out = join(folder, "run");
const results = await runAudit({ suite, out, only: ["full/none/*"] });

test("the examples of a cell are those that it was scored on, and nothing is computed", async () => {
  const examplesOf = examplesIn({ out }, results);
  for (const { id, outcomes } of results.cells) {
    const made = await examplesOf(id);
    const [clean, attacked] = [made?.clean as Rows, made?.attacked as Rows];
    expect(attacked.dims).toEqual([10, 1, 8, 8]);
    expect(clean.dims).toEqual(attacked.dims);
    expect(made?.labels.every((l) => results.classes.includes(l))).toBe(true);
    // What the attack broke, it moved: by its budget at most.
    fatesOf(outcomes).forEach((fate, i) => {
      const changes = Array.from({ length: 64 }, (_, k) =>
        Math.abs(attacked.data[64 * i + k]! - clean.data[64 * i + k]!),
      );
      const most = Math.max(...changes);
      expect(most).toBeLessThan(0.1 + 1e-5);
      if (fate === "broken") expect(most).toBeGreaterThan(0);
    });
  }
  expect(await examplesOf("full/bit-depth/pgd@linf-0.1")).toBeUndefined();
});

test("what another engine made is found by its name, and none is opened", async () => {
  const other = { ...onnxruntime, title: "another engine 1.0" };
  const id = "full/none/fgsm@linf-0.1";
  const run = { suite, out: join(folder, "other-engine"), only: [id] };
  const made = await runAudit({ ...run, engine: other });
  expect(made.provenance.engine).toBe(other.title);
  const found = await examplesIn(run, made)(id);
  expect(found?.attacked).toMatchObject({ dims: [10, 1, 8, 8] });
});

test("another folder has none, and a suite that has changed is refused", async () => {
  const [{ id }] = results.cells as [(typeof results.cells)[number]];
  const elsewhere = examplesIn({ out: join(folder, "other") }, results);
  expect(await elsewhere(id)).toBeUndefined();
  const { provenance: p } = results;
  const changed = {
    ...results,
    provenance: { ...p, suite: { ...p.suite, hash: "other" } },
  };
  await expect(examplesIn({ out }, changed)(id)).rejects.toThrow(
    /is not as it was when these results were made/,
  );
});
