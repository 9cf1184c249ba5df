import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { put, temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();
const suite = (strategy: string) => `version: 1
title: T
data: { source: digits }
base: { pretrain: { architecture: small-cnn, epochs: 1 }, classes: ["0", "1"] }
classes: ["2", "3"]
candidates: { one: { strategy: ${strategy} } }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { pgd: pgd }
`;

test("assay validate tells every suite that is wrong, and those that are not", async () => {
  put(folder, "good.yaml", suite("full"));
  put(folder, "bad.yaml", suite("ful"));
  put(folder, "worse.yaml", "version: 2");
  const { code, out, err } = await assay(
    folder,
    ...["validate", "bad.yaml", "good.yaml", "worse.yaml", "none.yaml"],
  );
  expect(code).toBe(2);
  expect(out).toMatch(/^good\.yaml: valid, 1 cells and 0 trials\n$/);
  for (const file of ["bad.yaml", "worse.yaml", "none.yaml"])
    expect(err).toContain(`error: ${file}`);
});

test("without a name the suite of the folder is taken, and where none is it says how to get one", async () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  for (const command of ["validate", "plan", "run"]) {
    const { code, out, err } = await assay(empty, command);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/no assay\.yaml in this folder\n.*assay init/);
  }
  const own = join(folder, "own");
  put(own, "assay.yaml", suite("full"));
  const { code, out } = await assay(own, "validate");
  expect([code, out]).toEqual([0, "assay.yaml: valid, 1 cells and 0 trials\n"]);
  const planned = await assay(own, "plan", "--estimate");
  expect([planned.code, planned.err]).toEqual([0, ""]);
  const ran = await assay(own, "run", "--quick", "--quiet");
  expect(ran.code).toBe(0);
  expect(existsSync(join(own, "runs", "assay-smoke", "results.json"))).toBe(
    true,
  );
});
