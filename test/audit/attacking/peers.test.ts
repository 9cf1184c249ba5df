import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openPeers } from "../../../src/audit/attacking/peers.ts";
import { temporaryFolder } from "../../folder.ts";
import { workshopOf } from "../workshop.ts";

const folder = temporaryFolder();

const trainedPeersOf = async (candidates: string) => {
  const { shop } = await workshopOf(
    mkdtempSync(join(folder, "s-")),
    `
version: 1
title: peers
data: { source: digits }
classes: ["0", "1", "2"]
base: { classes: ["3", "4"], pretrain: { architecture: small-cnn, epochs: 1 } }
tasks:
  odd: { relabel: { classes: { odd: ["1"], even: ["0", "2"] } } }
candidates:
${candidates}
threatModels: { t: { norm: linf, eps: 0.1 } }
attacks: { pgd: pgd }
`,
  );
  const peersOf = openPeers(shop, "base");
  return Object.fromEntries(
    Object.keys(shop.loaded.suite.candidates).map((id) => {
      const { given, trained } = peersOf(id);
      expect(given).toBeNull();
      return [id, trained?.id];
    }),
  );
};

const HARDENED = "training: [{ id: pgd-at, eps: 0.1 }]";

test("the first plain candidate of the task is the peer, and another seed only where there is no other", async () => {
  expect(
    await trainedPeersOf(`
  as-it-is: { strategy: head-only, epochs: 1 }
  again: { strategy: head-only, epochs: 1 }
  hard: { strategy: full, epochs: 1, ${HARDENED} }
  full: { strategy: full, epochs: 1, seeds: 2 }
  both: { strategy: full, epochs: 2, tasks: [main, odd] }`),
  ).toEqual({
    // The same training by another name is the same model.
    "as-it-is": "full.1",
    again: "full.1",
    hard: "as-it-is",
    "full.1": "as-it-is",
    "full.2": "as-it-is",
    "both.main": "as-it-is",
    "both.odd": undefined,
  });
  expect(
    await trainedPeersOf(`
  hard: { strategy: full, epochs: 1, seeds: 2, ${HARDENED} }
  soft: { strategy: head-only, epochs: 1, seeds: 2 }`),
  ).toEqual({
    "hard.1": "soft.1",
    "hard.2": "soft.1",
    "soft.1": "soft.2",
    "soft.2": "soft.1",
  });
  expect(
    await trainedPeersOf(
      `  hard: { strategy: full, epochs: 1, seeds: 2, ${HARDENED} }`,
    ),
  ).toEqual({ "hard.1": "hard.2", "hard.2": "hard.1" });
});
