import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Dataset } from "#data";
import { defineFilter } from "../../../defenses/repair/repair.ts";
import { makeCandidate } from "../../../src/audit/models/candidate.ts";
import type { ReadyModel, Workshop } from "../../../src/audit/models/ready.ts";
import { openVictim } from "../../../src/audit/trials/victim.ts";
import { temporaryFolder } from "../../folder.ts";
import { workshopOf } from "../workshop.ts";

const folder = temporaryFolder();

const suite = `version: 1
title: members
seed: 3
data: { source: digits }
classes: ["5", "6"]
shift: [invert]
samples: 20
base: { pretrain: { architecture: small-cnn, epochs: 1 } }
tasks: { other: { relabel: { classes: { five: ["5"], six: ["6"] } } } }
candidates:
  target: { strategy: head-only, epochs: 1 }
  source: { strategy: head-only, epochs: 1, labels: source }
  coral: { strategy: head-only, epochs: 1, adaptation: coral }
  drawn: { strategy: head-only, epochs: 1, samplingTemperature: 1 }
  both: { strategy: head-only, epochs: 1, tasks: [main, other], taskTemperature: 1 }
  as-is: { model: base }
threatModels: { small: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm }
`;

let shop: Workshop;
let base: ReadyModel | null;
beforeAll(async () => {
  ({ shop, base } = await workshopOf(folder, suite));
});

const opened = async (
  id: string,
  repair: Parameters<typeof openVictim>[1] = [],
) => {
  const candidate = shop.loaded.suite.candidates[id]!;
  const ready = await makeCandidate(candidate, shop, base);
  return { ready, ...(await openVictim(ready, repair, base, shop)) };
};

test("members are of the domain whose labels were learned", async () => {
  const { target, sourceDomain, pretraining } = shop.data;
  for (const [id, domain] of Object.entries({
    target,
    source: sourceDomain,
    coral: sourceDomain,
    "as-is": pretraining,
  })) {
    const { learned } = await opened(id);
    expect(learned.domain).toBe(domain);
    expect(learned.seen.fingerprint).toBe(domain?.train.fingerprint);
    expect(learned.unlabelled).toBe(id === "coral" ? target.train.y.length : 0);
  }
});

/** Keeps every other sample, with the other label. */
const everyOther = defineFilter({
  id: "every-other",
  title: "Every other",
  reference: "the test",
  params: z.strictObject({}),
  async filter({ train }) {
    const rows = [...train.y.keys()].filter((row) => row % 2 === 0);
    return {
      rows,
      y: Int32Array.from(rows, (row) => 1 - train.y[row]!),
    };
  },
});

test("what a filter left out is no member, and what stays has the label that was learned", async () => {
  const { sourceDomain } = shop.data;
  const { train } = sourceDomain as { train: Dataset };
  const { learned } = await opened("source", [
    { unit: everyOther, params: {} },
  ]);
  const { seen } = learned;
  expect(seen.y.length).toBe(Math.ceil(train.y.length / 2));
  for (let i = 0; i < seen.y.length; i++) {
    expect(seen.y[i]).toBe(1 - train.y[2 * i]!);
    expect(seen.x.data.subarray(64 * i, 64 * (i + 1))).toEqual(
      train.x.data.subarray(128 * i, 128 * i + 64),
    );
  }
});

test("what no step drew is no member, also of one task of several", async () => {
  const { train } = shop.data.target;
  for (const id of ["drawn", "both.main", "both.other"]) {
    const { ready, learned } = await opened(id);
    const { unseen = [] } = ready;
    expect(unseen.length).toBeGreaterThan(train.y.length / 5);
    expect(learned.seen.y.length).toBe(train.y.length - unseen.length);
  }
  // Kept with the model.
  const again = await opened("drawn");
  expect(again.learned.seen.y.length).toBeLessThan(train.y.length);
});
