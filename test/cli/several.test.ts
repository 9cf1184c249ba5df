import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exitCodes, worstOf } from "../../src/cli/exit-codes.ts";
import { requireApart } from "../../src/cli/several.ts";
import { put, temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();
const suite = (candidate: string) => `version: 1
title: T
samples: 10
data: { source: digits }
base: { classes: ["0", "1"], pretrain: { architecture: small-cnn, epochs: 1 } }
candidates: { one: { ${candidate} } }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { fgsm: fgsm }
`;

test("several suites run one after the other, and the worst is the exit status", async () => {
  put(folder, "lacking.yaml", suite("model: none.onnx"));
  put(folder, "good.yaml", suite("strategy: full, epochs: 1"));
  const { code, out, err } = await assay(
    folder,
    ...["run", "lacking.yaml", "good.yaml", "--quiet"],
  );
  expect(code).toBe(1);
  expect(err).toContain("none.onnx");
  expect(existsSync(join(folder, "runs/good/results.json"))).toBe(true);
  expect(out).toMatch(/\nlacking\.yaml +something failed +runs\/lacking\n/);
  expect(out).toMatch(/\ngood\.yaml +ok +runs\/good\n$/);
});

test("nothing is run where one of them is no suite", async () => {
  put(folder, "fine.yaml", suite("strategy: full, epochs: 1"));
  put(folder, "wrong.yaml", suite("strategy: ful"));
  const { code, err } = await assay(folder, "run", "fine.yaml", "wrong.yaml");
  expect(code).toBe(2);
  expect(err).toContain("wrong.yaml:6:");
  expect(existsSync(join(folder, "runs/fine"))).toBe(false);
});

test.each([
  [{ out: "x" }, /--out is for one suite/],
  [{ json: true }, /--json is for one suite/],
  [{ reporter: ["junit:x"] }, /--reporter junit:x is for/],
])("%j is for one suite alone", (options, message) => {
  expect(() => requireApart(["a.yaml", "b.yaml"], options)).toThrow(message);
  expect(() => requireApart(["a.yaml"], options)).not.toThrow();
});

test("suites of one name are not put into one folder", () => {
  expect(() => requireApart(["a/x.yaml", "b/x.yaml"], {})).toThrow(
    /would share the folder runs\/x/,
  );
});

test("an interruption is worse than what is wrong, and that than a gate", () => {
  const { interrupted, usage, runError, gateFailed, inconclusive, passed } =
    exitCodes;
  const order = [
    interrupted,
    usage,
    runError,
    gateFailed,
    inconclusive,
    passed,
  ];
  for (const [i, code] of order.entries())
    expect(worstOf(order.slice(i).toReversed())).toBe(code);
});
