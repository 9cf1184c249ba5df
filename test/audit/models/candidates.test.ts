import { beforeAll, expect, test } from "vitest";
import {
  makeCandidate,
  outlineOfCandidate,
} from "../../../src/audit/models/candidate.ts";
import type { ReadyModel, Workshop } from "../../../src/audit/models/ready.ts";
import { temporaryFolder } from "../../folder.ts";
import { workshopOf } from "../workshop.ts";

const folder = temporaryFolder();

let shop: Workshop;
let base: ReadyModel | null;
beforeAll(async () => {
  ({ shop, base } = await workshopOf(
    folder,
    `
version: 1
title: kinds
data: { source: digits }
classes: ["5", "6"]
shift: [invert]
base: { classes: ["5", "6"], pretrain: { architecture: small-cnn-bn, epochs: 1 } }
tasks: { other: { relabel: { classes: { six: ["6"], five: ["5"] } } } }
candidates:
  as-is: { model: base }
  tuned: { strategy: head-only, epochs: 1, training: label-smoothing }
  tent: { adaptation: { id: tent, epochs: 1 }, seeds: 2 }
  both: { strategy: head-only, epochs: 1, tasks: [main, other] }
threatModels: { small: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm }
`,
  ));
});

test("each candidate is of one kind, and made as it was foreseen", async () => {
  const { candidates } = shop.loaded.suite;
  expect(Object.values(candidates).map(({ id, kind }) => [id, kind])).toEqual([
    ["as-is", "base"],
    ["tuned", "tuned"],
    ["tent.1", "adapted"],
    ["tent.2", "adapted"],
    ["both.main", "member"],
    ["both.other", "member"],
  ]);
  for (const candidate of Object.values(candidates)) {
    const outline = await outlineOfCandidate(
      candidate,
      shop,
      base?.model ?? null,
    );
    const { model, id } = await makeCandidate(candidate, shop, base);
    expect(id).toBe(candidate.id);
    expect(outline.classes).toEqual(model.classes);
    expect(outline.contract).toEqual(model.contract);
  }
});

test("seeds of an adaptation draw anew", async () => {
  const [first, second] = [
    await makeCandidate(shop.loaded.suite.candidates["tent.1"]!, shop, base),
    await makeCandidate(shop.loaded.suite.candidates["tent.2"]!, shop, base),
  ];
  expect(first.hash).not.toBe(second.hash);
});
