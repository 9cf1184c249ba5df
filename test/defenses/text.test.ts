import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "#core";
import { type Dataset, loadDataset } from "#data";
import {
  type ChosenTextSanitizer,
  defend,
  fitTextSanitizer,
  openTextSanitizers,
  type TextSanitizer,
  textSanitizers,
} from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel, openLanguageModel } from "#model";
import { put, temporaryFolder } from "../folder.ts";
import { linearWords, wordPairs } from "../text/made.ts";

const folder = temporaryFolder();
const WORDS = ["the", "good", "bad", "film", "story", "zebra"];
const CLEAN = ["the good film", "the bad story", "the good story", "good film"];
const PAIRS: Readonly<Record<string, number>> = {
  "the good": 6,
  "the bad": 6,
  "good film": 4,
  "good story": 4,
  "bad story": 4,
};
const files = wordPairs(folder, WORDS, PAIRS);
const words = new Set(WORDS);

/**
 * -log of the probability of a word after another, among as many as there are and
 * the unknown one.
 */
function cost(one: string, next: string): number {
  const logit = (word: string) => PAIRS[`${one} ${word}`] ?? 0;
  const sum = ["", ...WORDS].reduce((s, word) => s + Math.exp(logit(word)), 0);
  return Math.log(sum) - logit(next);
}

const chosen = (id: string): ChosenTextSanitizer => {
  const unit = textSanitizers.find((s) => s.id === id) as TextSanitizer;
  return { unit, params: unit.params.parse(id === "onion" ? files : {}) };
};

const model = linearWords(folder, { the: 0, good: 1, bad: -1, film: 0 }, 6);

async function validation(texts: readonly string[]): Promise<Dataset> {
  const lines = texts.map((text, i) => `${text}\t${i % 2}`);
  put(folder, "validation.tsv", `text\tlabel\n${lines.join("\n")}\n`);
  const { tokenizer } = model;
  return loadDataset(
    {
      source: "text",
      path: "validation.tsv",
      header: true,
      text: "text",
      label: "label",
      tokenizer,
      lowercase: true,
      length: 6,
      padding: 0,
      sanitize: [],
    },
    folder,
  );
}

/** A defence that is fitted and opened. */
async function ready(ids: readonly string[], texts = CLEAN) {
  const data = await validation(texts);
  const fitted: ChosenTextSanitizer[] = [];
  for (const part of ids.map(chosen)) {
    const found = await fitTextSanitizer(part, fitted, {
      model: await loadModel(join(folder, model.model)),
      engine: onnxruntime,
      train: data,
      validation: data,
      folder,
      random: new Random(1),
      onProgress() {},
    });
    fitted.push({ ...part, fitted: found });
  }
  return openTextSanitizers(fitted, { folder, engine: onnxruntime, words });
}

describe("a language model", () => {
  it("has the perplexities of its pairs", async () => {
    const language = await openLanguageModel(
      join(folder, files.model),
      onnxruntime,
    );
    const [the, good, film, zebra] = [1, 2, 4, 6];
    const found = await language.perplexities([
      [the, good, film],
      [the, good, zebra, film],
      [good],
      [good, film],
    ]);
    const wanted = [
      (cost("the", "good") + cost("good", "film")) / 2,
      (cost("the", "good") + cost("good", "zebra") + cost("zebra", "film")) / 3,
      0,
      cost("good", "film"),
    ].map(Math.exp);
    for (const [i, perplexity] of found.entries())
      expect(perplexity).toBeCloseTo(wanted[i]!, 4);
    await language.release();
  });

  it("is refused where it says nothing of the next token", async () => {
    const language = await openLanguageModel(
      join(folder, model.model),
      onnxruntime,
    );
    await expect(language.perplexities([[1, 2, 3]])).rejects.toMatchObject({
      code: "MODEL_OUTPUT",
    });
    await language.release();
  });
});

describe("onion", () => {
  it("removes a planted word, and leaves clean texts as they are", async () => {
    const { apply, release } = await ready(["onion"]);
    expect(await apply(CLEAN)).toEqual(CLEAN);
    expect(
      await apply(["the good zebra film", "the bad zebra story", "zebra"]),
    ).toEqual(["the good film", "the bad story", "zebra"]);
    await release();
  });

  it("sets its threshold on what the parts before it leave", async () => {
    // Lookalikes are unknown words to the language model, and would
    // raise the threshold.
    const odd = CLEAN.map((text) => text.replaceAll("o", "о"));
    const { apply, release } = await ready(["unicode", "onion"], odd);
    expect(await apply(["the gооd zebra film"])).toEqual(["the good film"]);
    await release();
  });

  it("refuses texts on which no threshold can be set", async () => {
    await expect(ready(["onion"], ["good", "bad"])).rejects.toMatchObject({
      code: "DEFENSE_FIT",
    });
  });
});

describe.each(textSanitizers.map((s) => [s.id, s] as const))(
  "text sanitizer %s",
  (id, unit) => {
    it("gives a text for a text, the same alone and among others", async () => {
      const { apply, release } = await ready([id]);
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc
              .array(fc.constantFrom(...WORDS, "flim", "zebrа"), {
                minLength: 1,
                maxLength: 6,
              })
              .map((all) => all.join(" ")),
            { minLength: 1, maxLength: 5 },
          ),
          async (texts) => {
            const together = await apply(texts);
            expect(together).toHaveLength(texts.length);
            for (const [i, text] of texts.entries())
              expect(await apply([text])).toEqual([together[i]]);
          },
        ),
        { numRuns: 10 },
      );
      expect(await apply(CLEAN)).toEqual(CLEAN);
      await release();
    });

    it("says what it is, and is no graph", async () => {
      expect(unit.reference).toMatch(/\d{4}, arXiv:\d{4}\.\d{4,5}$/);
      const plain = await loadModel(join(folder, model.model));
      expect(() => defend(plain, [chosen(id)])).toThrow(/no \.onnx takes/);
    });
  },
);
