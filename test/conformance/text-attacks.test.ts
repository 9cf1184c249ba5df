import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { attackOn, editsLimit, type TextAttack, textAttacks } from "#attacks";
import { Random } from "#core";
import {
  grantAccess,
  type Limit,
  type Model,
  modelOf,
  samplesAt,
} from "#model";
import { emptyGraph, floats, GraphBuilder } from "#onnx";
import { editsBetween, foldUnicode } from "#texts";

const TEXTS: readonly string[] = [
  "a good film",
  "what a fine and lovely story",
  "bad, really bad acting",
  "dull",
  "the boring plot of a lovely film",
];
const Y = Int32Array.of(1, 1, 0, 0, 0);
const WEIGHTS: Readonly<Record<string, number>> = {
  good: 1,
  fine: 1,
  lovely: 1,
  bad: -1,
  dull: -1,
  boring: -2,
};

/** Two classes, whatever it is asked. */
let model: Model;

beforeAll(() => {
  const b = new GraphBuilder(emptyGraph("two"));
  b.input({ name: "x", type: "float32", dims: ["N", 2] });
  const w = b.constant(floats([2, 2], [1, 0, 0, 1]));
  model = modelOf(b.build([b.op("MatMul", ["x", w], {}, "logits")]), "two");
});

interface Options {
  eps?: number;
  seed?: number;
  rows?: readonly number[];
  queries?: number;
  params?: Record<string, unknown>;
}

/**
 * Runs an attack on a classifier that adds up the weights of the words that it knows.
 */
async function attack(
  unit: TextAttack,
  {
    eps = 2,
    seed = 1,
    rows = [...Y.keys()],
    queries,
    params = {},
  }: Options = {},
) {
  const asked: string[] = [];
  const answers = async (all: readonly string[]) => {
    asked.push(...all);
    const scores = all.flatMap((text) => {
      const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
      const sum = words.reduce((s, word) => s + (WEIGHTS[word] ?? 0), 0);
      return [-sum, sum - 0.5];
    });
    return { logits: floats([all.length, 2], scores), scores: [] };
  };
  const notes: string[] = [];
  const { target, run } = attackOn<readonly string[], Limit<readonly string[]>>(
    { model, answers },
    { x: TEXTS, y: Y },
    { unit, params: unit.params.parse(params) },
    { ball: editsLimit(eps), queries },
    { rows, random: new Random(seed), onNote: (text) => notes.push(text) },
  );
  const examples = samplesAt(await run(), rows);
  const texts = samplesAt(TEXTS, rows);
  return { examples, target, asked, texts, notes };
}

describe.each(textAttacks.map((unit) => [unit.id, unit] as const))(
  "attack %s",
  (_id, unit) => {
    test("no edits return the texts", async () => {
      const { examples, texts } = await attack(unit, { eps: 0 });
      expect(examples).toEqual(texts);
    });

    test("stays within any number of edits", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 6 }),
          fc.nat(),
          async (eps, seed) => {
            const { examples, texts } = await attack(unit, { eps, seed });
            for (const [i, text] of texts.entries())
              expect(editsBetween(text, examples[i]!)).toBeLessThanOrEqual(eps);
          },
        ),
        { numRuns: 10 },
      );
    });

    test("the same seed gives the same texts, however they are batched", async () => {
      const whole = (await attack(unit)).examples;
      expect((await attack(unit)).examples).toEqual(whole);
      const parts = [
        await attack(unit, { rows: [0, 1] }),
        await attack(unit, { rows: [2] }),
        await attack(unit, { rows: [3, 4] }),
      ];
      // Samples draw from generators of their own places.
      expect(parts.flatMap((p) => [...p.examples])).toEqual(whole);
    });

    test("counts every query, and asks no more than it may", async () => {
      const { target, asked } = await attack(unit);
      expect(target.queries.forward).toBe(asked.length);
      const { asked: few } = await attack(unit, { queries: 7 });
      expect(few.length).toBeLessThanOrEqual(7 * TEXTS.length);
    });

    test("breaks what one word decides", async () => {
      const { target } = await attack(unit, { rows: [0], eps: 1 });
      expect(target.brokenAt[0]).toBeGreaterThan(0);
    });

    test("says what it is", () => {
      expect(unit.id).toMatch(/^[a-z0-9-]+$/);
      expect(unit.reference).toMatch(/\d{4}, arXiv:\d{4}\.\d{4,5}$/);
      const { atlas, owasp, nist } = unit.taxonomy;
      for (const ids of [atlas, owasp, nist])
        expect(ids.length).toBeGreaterThan(0);
      expect(() => unit.params.parse({ nonsense: 1 })).toThrow();
    });
  },
);

test.each(["homoglyphs", "invisible"])(
  "folding undoes %s: fold(attack(x)) = x",
  async (kind) => {
    const unit = textAttacks.find(
      (a) => a.id === "bad-characters",
    ) as TextAttack;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        async (eps, seed) => {
          const { examples, texts } = await attack(unit, {
            eps,
            seed,
            params: { kind, generations: 2 },
          });
          expect(examples).not.toEqual(texts);
          expect(examples.map(foldUnicode)).toEqual(texts);
        },
      ),
      { numRuns: 10 },
    );
  },
);

test("TextBugger spends its edits on the words that decide", async () => {
  const unit = textAttacks.find((a) => a.id === "textbugger") as TextAttack;
  const { examples, target } = await attack(unit, { rows: [1], eps: 2 });
  // Both have to fall, and the rest says nothing.
  expect(target.brokenAt[0]).toBeGreaterThan(0);
  expect(examples[0]).toMatch(/^what a (?!fine ).+ and (?!lovely ).+ story$/);
});

test.each(["textbugger", "charmer"])(
  "%s says of which texts it has too few queries",
  async (id) => {
    const unit = textAttacks.find((a) => a.id === id) as TextAttack;
    const { notes, examples, texts } = await attack(unit, { queries: 3 });
    // "dull" is one word, about which there is nothing to rank.
    const untried = id === "charmer" ? 5 : 4;
    expect(notes).toEqual([
      `${id}: ${untried} texts have more places than they have queries, and were not tried`,
    ]);
    expect(examples[0]).toBe(texts[0]);
    expect((await attack(unit)).notes).toEqual([]);
  },
);

test("texts have no gradient, whatever an attack declares", async () => {
  const answers = async () => ({ logits: floats([1, 2], [0, 1]), scores: [] });
  const target = grantAccess(
    { model, answers },
    { access: "gradient", x: ["a"], y: Int32Array.of(1), limit: editsLimit(1) },
  );
  await expect(target.lossGradient(["a"], [0])).rejects.toMatchObject({
    code: "ACCESS_DENIED",
  });
});
