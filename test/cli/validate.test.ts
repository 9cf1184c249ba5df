import { expect, test } from "vitest";
import { put, temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();
const suite = (strategy: string) => `version: 1
title: T
data: { source: digits }
base: { pretrain: { architecture: mlp } }
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
