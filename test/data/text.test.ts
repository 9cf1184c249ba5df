import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runAudit } from "#audit";
import { choiceOf, packagePath, Random } from "#core";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { type ChosenDefense, defend, reactiveDefenses } from "#defenses";
import { loadModel } from "#model";
import { emptyGraph, floats, GraphBuilder, writeModel } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { foldUnicode, textRepairs } from "#texts";
import { put, temporaryFolder } from "../folder.ts";
import { wordPiece } from "../text/made.ts";

const folder = temporaryFolder();
const VOCABULARY =
  '[PAD] [UNK] [CLS] [SEP] [MASK] good bad film ##s a " movie'.split(" ");
put(folder, "vocab.txt", `${VOCABULARY.join("\n")}\n`);

const load = (spec: Record<string, unknown>) =>
  loadDataset(
    dataSpecSchema.parse({
      source: "text",
      tokenizer: "vocab.txt",
      length: 6,
      ...spec,
    }) as DataSpec,
    folder,
  );
const idsOf = async (name: string, text: string, spec = {}) => {
  put(folder, name, text);
  return Array.from((await load({ path: name, ...spec })).x.data);
};

/** ids and mask [batch, length] -> embeddings, masked mean, linear layer. */
function bagOfWords(file: string, words: number, length: number): void {
  const b = new GraphBuilder(emptyGraph("words"));
  const random = new Random(1);
  const weights = (dims: [number, number], scale: number) =>
    floats(
      dims,
      Array.from({ length: dims[0] * dims[1] }, () => scale * random.normal()),
    );
  const dims = ["batch", length];
  b.input({ name: "input_ids", type: "int64", dims });
  b.input({ name: "attention_mask", type: "int64", dims });
  const table = b.constant(weights([words, 16], 0.1), "words.weight");
  const vectors = b.op("Gather", [table, "input_ids"]);
  const mask = b.unsqueeze(b.cast("attention_mask", "float32"), [-1]);
  const mean = b.div(
    b.reduceSum(b.mul(vectors, mask), [1]),
    b.reduceSum(mask, [1]),
  );
  const head = b.constant(weights([16, 2], 0.3), "head");
  writeModel(file, b.build([b.op("Gemm", [mean, head], {}, "logits")]));
}

const suiteOf = (data: object, training: object, rest: object = {}) =>
  JSON.stringify({
    version: 1,
    title: "texts",
    data: { source: "text", ...data },
    base: { model: "base.onnx", classes: ["no", "yes"] },
    candidates: { full: { strategy: "full", ...training } },
    threatModels: {},
    attacks: {},
    ...rest,
  });

describe("texts", () => {
  it("has the unknown token of a model of whole words where it knows none", async () => {
    const words = {
      model: {
        type: "WordLevel",
        vocab: { "[UNK]": 0, good: 1, bad: 2 },
        unk_token: "[UNK]",
      },
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: "Whitespace" },
      post_processor: null,
      decoder: null,
    };
    put(folder, "words.json", JSON.stringify(words));
    const spec = { tokenizer: "words.json", length: 3, padding: 2 };
    const ids = await idsOf(
      "whole.csv",
      "text,label\ngood 漢 bad,a\n!,b\n",
      spec,
    );
    expect(ids.slice(0, 3)).toEqual([1, 0, 2]);
    expect(ids.slice(3)).toEqual([0, 2, 2]);
  });

  it("become tokens between special ones, cut or filled up to a length", async () => {
    const text =
      'text\tlabel\na "good films\t1\nbad\t0\ngood a bad a film movie\t1\n';
    expect(await idsOf("a.tsv", text)).toEqual(
      [
        [2, 9, 10, 5, 7, 3],
        [2, 6, 3, 0, 0, 0],
        [2, 5, 9, 6, 9, 3],
      ].flat(),
    );
    // The word pieces of "films" need one more place than there is.
    expect(
      await idsOf("a.tsv", text, { length: 7 }).then((x) => x.slice(0, 7)),
    ).toEqual([2, 9, 10, 5, 7, 8, 3]);
  });

  it("are read alike from TSV by number and JSONL by name", async () => {
    put(folder, "b.tsv", "1\tgood film\n0\tbad none\n");
    put(
      folder,
      "b.jsonl",
      '{"text":"good film","label":1}\n\n{"text":"bad none","label":0}\n',
    );
    const tsv = await load({ path: "b.tsv", header: false, text: 2, label: 1 });
    const json = await load({ path: "b.jsonl" });
    expect(json.x).toEqual(tsv.x);
    expect([json.y, json.classes]).toEqual([tsv.y, ["0", "1"]]);
  });

  it("have the quotes that their writer meant", async () => {
    const strings = async (name: string, text: string, spec = {}) => {
      put(folder, name, text);
      return (await load({ path: name, ...spec })).texts?.strings;
    };
    const file =
      'text,label\n"He called it ""great"" and left",pos\nplain words,neg\n"a ""b"", c",pos\n';
    const meant = ['He called it "great" and left', "plain words", 'a "b", c'];
    expect(await strings("q.csv", file)).toEqual(meant);
    const tabs = file.replaceAll(/,(?=label|pos|neg)/g, "\t");
    expect(await strings("q.tsv", tabs)).toEqual(meant);
    expect(await strings("q.tsv", tabs, { quotes: false })).toEqual([
      '"He called it ""great"" and left"',
      "plain words",
      '"a ""b"", c"',
    ]);
    const semicolons = 'text;label\n"a; b";1\nc;0\n';
    expect(await strings("q.csv", semicolons, { delimiter: ";" })).toEqual([
      "a; b",
      "c",
    ]);
  });

  it.each([
    [
      'text\tlabel\n"Great," he said\t1\nbad\t0\n',
      /line 2.*Invalid Closing Quote/,
    ],
    [
      'text\tlabel\n"good\t1\nbad"\t0\n',
      /line 3 ends a text with tabs and line/,
    ],
  ])(
    "are refused where a quote can mean two things: %j",
    async (text, message) => {
      put(folder, "two.tsv", text);
      await expect(load({ path: "two.tsv" })).rejects.toThrow(message);
      const { texts } = await load({ path: "two.tsv", quotes: false });
      expect(texts?.strings[0]?.startsWith('"')).toBe(true);
    },
  );

  it("take a tokenizer.json", async () => {
    put(folder, "tokenizer.json", wordPiece(["pad", "[UNK]", "good", "bad"]));
    const spec = { tokenizer: "tokenizer.json", length: 3 };
    const text = "text\tlabel\nGood good film\ta\nbad\tb\n";
    expect(await idsOf("c.tsv", text, spec)).toEqual([2, 2, 1, 3, 0, 0]);
  });

  it.each([
    ["d.tsv", "text\tlabel\ngood\t1\n\t0\n", /d\.tsv, line 3, column "text"/],
    ["d.tsv", "words\tlabel\ngood\t1\n", /no column "text"/],
    ["d.jsonl", '{"text":"good","label":1}\n{"text":\n', /d\.jsonl, line 2 /],
    [
      "d.jsonl",
      '{"text":"good","label":1}\n{"text":5,"label":0}\n',
      /line 2, /,
    ],
  ])("name the place of what is wrong: %s %s", async (name, text, where) => {
    await expect(idsOf(name, text)).rejects.toThrow(where);
  });

  it("refuse a padding that is not the tokenizer's", async () => {
    const text = "text\tlabel\ngood\t1\nbad\t0\n";
    await expect(idsOf("e.tsv", text, { padding: 1 })).rejects.toThrow(
      /fills up with token 0/,
    );
  });

  it("tune and measure a text model, which reads lookalikes after repair alone", async () => {
    bagOfWords(join(folder, "base.onnx"), VOCABULARY.length, 6);
    const lines = Array.from({ length: 60 }, (_, i) =>
      i % 2 ? "a gооd film\tyes" : "a bаd film\tno",
    );
    put(folder, "planted.tsv", `text\tlabel\n${lines.join("\n")}\n`);
    const data = { path: "planted.tsv", tokenizer: "vocab.txt", length: 6 };
    const accuracy = async (sanitize: string[]) => {
      const suite = put(
        folder,
        "suite.yaml",
        suiteOf({ ...data, sanitize }, { epochs: 10, learningRate: 0.05 }),
      );
      const out = join(folder, `out${sanitize}`);
      const results = await runAudit({ suite, out });
      expect(renderMarkdown(results)).toMatch(
        /no input was attacked[\s\S]*\| full \| none \| \d/,
      );
      expect(await renderHtml(results)).toContain("Nothing was attacked");
      const { candidates } = results;
      return candidates[0]?.cleanAccuracy.value;
    };
    // Without repair both words are the unknown one.
    expect(await accuracy([])).toBeCloseTo(0.5, 1);
    expect(await accuracy(["unicode"])).toBe(1);
  });

  it("have no sanitizer as a graph", async () => {
    const file = join(folder, "refused.onnx");
    bagOfWords(file, VOCABULARY.length, 6);
    const chosen = choiceOf(reactiveDefenses).parse("bit-depth");
    const model = await loadModel(file);
    expect(() => defend(model, [chosen as ChosenDefense])).toThrow(/token ids/);
  });
});

describe("repairs of text", () => {
  /** Each Latin letter with lookalikes in other scripts or styles. */
  const like: Record<string, string> = {
    a: "аα𝐚ａ",
    c: "сⅽ",
    e: "е𝑒ｅ",
    i: "іι",
    o: "оοօ𝗈",
    p: "рρ",
    s: "ѕ𝓼",
    x: "хⅹ",
    y: "у",
    A: "АΑ",
    H: "НΗ",
    T: "ТΤ",
  };
  const plain = fc.stringMatching(/^[ -~]{0,40}$/);

  it("turn lookalikes and invisible characters back: fold(attack(x)) = x", () => {
    fc.assert(
      fc.property(plain, fc.infiniteStream(fc.nat(9)), (text, draws) => {
        const next = () => draws.next().value as number;
        const attacked = Array.from(text, (letter) => {
          const choices = Array.from(like[letter] ?? letter);
          const unseen = ["", "\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad"];
          return (
            choices[next() % choices.length] + unseen[next() % unseen.length]!
          );
        }).join("");
        expect(foldUnicode(attacked)).toBe(text);
      }),
    );
  });

  it("leave repaired text as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const once = foldUnicode(text);
        expect(foldUnicode(once)).toBe(once);
      }),
    );
  });

  it("spell words as the vocabulary does, where one word is meant", () => {
    const words = new Set(["film", "good", "gold", "movie"]);
    const repair = (text: string) => textRepairs.spelling(text, words);
    expect(repair("flim, moovie; mvie movoe good")).toBe(
      "film, movie; movie movie good",
    );
    // "goud" may be good, and "gold" no less; short words and other scripts stay.
    expect(repair("gold goud fil кино")).toBe("gold goud fil кино");
  });
});

const sst2 = packagePath("../shared/data/sst2");
it.skipIf(!existsSync(sst2))(
  "SST-2 from ../shared is learned from its words",
  async () => {
    const counts = new Map<string, number>();
    for (const word of readFileSync(join(sst2, "train.tsv"), "utf8").split(
      /\s/,
    ))
      counts.set(word, (counts.get(word) ?? 0) + 1);
    const words = [...counts].filter(([, n]) => n > 3).map(([word]) => word);
    const vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ...words];
    put(folder, "sst2.txt", vocabulary.join("\n"));
    bagOfWords(join(folder, "base.onnx"), vocabulary.length, 40);
    const suite = put(
      folder,
      "sst2.yaml",
      suiteOf(
        {
          path: join(sst2, "train.tsv"),
          header: false,
          text: 1,
          label: 2,
          tokenizer: "sst2.txt",
          length: 40,
        },
        { epochs: 4, learningRate: 0.01, batchSize: 64 },
      ),
    );
    const { candidates } = await runAudit({ suite, out: join(folder, "sst2") });
    // Chance is one half; the interval of 1,730 texts is below 3 points.
    expect(candidates[0]?.cleanAccuracy.value).toBeGreaterThan(0.7);
  },
);
