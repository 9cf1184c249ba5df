import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Results, runAudit } from "#audit";
import { Random } from "#core";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

/** A suite that keeps files of every kind. */
const suite = put(
  folder,
  "suite.yaml",
  `
version: 1
title: kept
data: { source: digits }
classes: ["5", "6", "7"]
samples: 9
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 1 }
tasks:
  odd: { relabel: { classes: { odd: ["5", "7"], even: ["6"] } } }
candidates:
  head: { strategy: head-only, epochs: 1 }
  both: { strategy: head-only, epochs: 1, tasks: [main, odd] }
defenses:
  pca: [{ id: pca, components: 20 }]
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
allHeads: [fgsm]
trajectory: { attack: fgsm, threatModel: small, samples: 3 }
certify: { sigma: 0.25, n0: 10, n: 20, alpha: 0.1, samples: 3, candidates: [head] }
trials:
  flips: { attack: { id: label-flip, budgets: [4] }, candidates: [head] }
repairs:
  pruned: [{ id: fine-pruning, epochs: 1 }]
`,
);
const whole = join(folder, "whole");
let first: Results;

beforeAll(async () => {
  first = await runAudit({ suite, out: whole });
});

const runIn = (out: string) => runAudit({ suite, out });

/** The folder of the first run, to be spoilt. */
function copied(): string {
  const copy = mkdtempSync(join(folder, "copy-"));
  cpSync(whole, copy, { recursive: true });
  return copy;
}

/** All of a document but how long things took and what was warned of. */
const numbersOf = ({ warnings, timing, ...results }: Results) =>
  JSON.parse(
    JSON.stringify(results, (key, value) =>
      key === "seconds" ? undefined : value,
    ),
  );

const filesIn = (at: string): string[] =>
  readdirSync(at, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(at, name)).isFile())
    .sort();

/** "cells .json", "models/repaired .onnx" */
const kindOf = (name: string): string =>
  name.replace(/^(models\/.*-trial|models\/repaired|\w+).*(\.\w+)$/, "$1 $2");

function flip(path: string, random: Random): void {
  const bytes = readFileSync(path);
  const at = random.below(bytes.length);
  bytes[at] = bytes[at]! ^ (1 << random.below(8));
  writeFileSync(path, bytes);
}

/** Of these nothing is read again once what was made of them stands. */
const behind = [
  "answers .json",
  "answers .npy",
  "repairs .json",
  "fits .json",
  "fits .npy",
  "models/head-trial .json",
  "models/head-trial .onnx",
  "models/repaired .json",
  "models/repaired .onnx",
];

test("a file that has rotted is made again and named, and no number changes", async () => {
  const all = filesIn(whole);
  const kinds = new Map(all.map((name) => [kindOf(name), name]));
  expect([...kinds.keys()]).toEqual(expect.arrayContaining(behind));
  expect(kinds.size).toBeGreaterThan(14);
  const random = new Random(Number(process.env.ASSAY_SEED ?? 1));
  for (const name of process.env.ASSAY_LONG ? all : kinds.values()) {
    const out = copied();
    flip(join(out, name), random);
    const rotten = readFileSync(join(out, name));
    const again = await runIn(out);
    expect(numbersOf(again), name).toEqual(numbersOf(first));
    const said = `${name} in the folder of the run is not as it was written; it is made again.`;
    const after = readFileSync(join(out, name));
    const warnings = new Set(again.warnings);
    if (warnings.has(said)) expect(after.equals(rotten), name).toBe(false);
    else {
      // Nobody looked at it, so it is as rotten as it was.
      expect(after.equals(rotten), name).toBe(true);
      expect(
        behind.includes(kindOf(name)) || name.startsWith("trials/"),
        name,
      ).toBe(true);
    }
    if (!name.endsWith(".json") && warnings.has(said))
      expect(after.equals(readFileSync(join(whole, name))), name).toBe(true);
    rmSync(out, { recursive: true });
  }
});

test("a warning stands in the document and in the reports", async () => {
  const out = copied();
  const name = filesIn(out).find((f) => f.startsWith("cells/")) as string;
  flip(join(out, name), new Random(3));
  const again = await runIn(out);
  expect(() => resultsSchema.parse(again)).not.toThrow();
  expect(again.warnings?.join()).toContain(name);
  expect(await renderHtml(again)).toContain(name);
  expect(renderMarkdown(again)).toContain(`Warning: ${name}`);
  // It was told once: the next run finds all in order.
  expect((await runIn(out)).warnings).toEqual(first.warnings);
});

test("the folder of an earlier version, without hashes, is made again", async () => {
  const out = copied();
  for (const name of filesIn(out).filter((f) => f.endsWith(".json"))) {
    const { record } = JSON.parse(readFileSync(join(out, name), "utf8"));
    put(out, name, `${JSON.stringify(record, null, 2)}\n`);
  }
  const again = await runIn(out);
  expect(numbersOf(again)).toEqual(numbersOf(first));
  const said = again.warnings?.filter((w) => !first.warnings?.includes(w));
  expect(said).toEqual([
    "The folder of the run was made by an earlier version, which kept no hashes; what is in it is made again.",
  ]);
});

test("a file that is gone is made again", async () => {
  const out = copied();
  const name = filesIn(out).find((f) => /^examples.*npy$/.test(f)) as string;
  rmSync(join(out, name));
  const again = await runIn(out);
  expect(numbersOf(again)).toEqual(numbersOf(first));
  expect(again.warnings).toContain(
    `${name} in the folder of the run is not there any more; it is made again.`,
  );
});
