import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { editsBetween } from "#texts";
import {
  attack,
  evaluate,
  loadData,
  loadModel,
  splitData,
} from "../../src/index.ts";
import { put, temporaryFolder } from "../folder.ts";
import { linearWords } from "../text/made.ts";

const folder = temporaryFolder();
const good = ["good", "lovely", "brilliant"];
const bad = ["boring", "terrible", "dreadful"];
const nouns = ["film", "movie", "story", "picture"];

const weights = (words: readonly string[], weight: number) =>
  Object.fromEntries(words.map((word) => [word, weight]));
const { model: file, tokenizer } = linearWords(
  folder,
  {
    ...weights(["the", ...nouns], 0),
    ...weights(good, 2),
    ...weights(bad, -1),
  },
  8,
);
const lines = [good, bad].flatMap((words, k) =>
  words.flatMap((word) =>
    nouns.map((noun) => `the ${word} ${noun}\t${k ? "no" : "yes"}`),
  ),
);
put(folder, "reviews.tsv", `text\tlabel\n${lines.join("\n")}\n`);
const data = {
  source: "text",
  path: "reviews.tsv",
  tokenizer,
  length: 8,
} as const;
const search = { id: "charmer", positions: 6, alphabet: "e0 " };

test("texts are attacked as by a suite, by edits", async () => {
  const suite = put(
    folder,
    "suite.yaml",
    JSON.stringify({
      version: 1,
      title: "reviews",
      data,
      candidates: { model: { model: file } },
      threatModels: { "edits-1": { norm: "edits", eps: 1 } },
      attacks: { charmer: search },
    }),
  );
  const { cells } = await runAudit({ suite, out: join(folder, "out") });
  const { test: texts } = splitData(await loadData(data, folder));
  const model = await loadModel(join(folder, file), { classes: texts.classes });
  const { accuracy } = await evaluate(model, texts);
  const found = await attack(model, texts, {
    attack: search,
    norm: "edits",
    eps: 1,
  });
  expect(found.robustAccuracy).toEqual(cells[0]?.robustAccuracy);
  expect(found.queries).toEqual(cells[0]?.queries);
  expect(found.cleanAccuracy).toEqual(accuracy);
  expect(found.broken).toContain(true);
  const strings = texts.texts?.strings ?? [];
  for (const [i, example] of (found.examples as string[]).entries()) {
    const edits = editsBetween(strings[i]!, example);
    expect(edits).toBeLessThanOrEqual(1);
    expect(found.distances[i]).toBe(edits);
  }
  await expect(
    attack(model, texts, { attack: "pgd", norm: "linf", eps: 0.1 }),
  ).rejects.toMatchObject({ code: "NEED_NOT_MET" });
});
