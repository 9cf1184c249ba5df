import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editsLimit, type TextAttack, textAttacks } from "#attacks";
import { grantAccess, modelOf } from "#model";
import { emptyGraph, floats, GraphBuilder } from "#onnx";
import { foldUnicode } from "#texts";
import { textAttackLaws } from "../../src/conformance/index.ts";
import { attackTexts } from "../../src/conformance/text-attacks.ts";
import { drawn, lawful } from "./laws.ts";

lawful("attack", textAttacks, (unit) => textAttackLaws(unit, drawn(10)));

describe.each(textAttacks)("attack $id", ({ reference, taxonomy }) => {
  test("names its paper, and its places in the taxonomies", () => {
    expect(reference).toMatch(/\d{4}, arXiv:\d{4}\.\d{4,5}$/);
    for (const ids of Object.values(taxonomy))
      expect(ids.length).toBeGreaterThan(0);
  });
});

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
          const { examples, texts } = await attackTexts(unit, {
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
  const { examples, target } = await attackTexts(unit, { rows: [1], eps: 2 });
  // Both have to fall, and the rest says nothing.
  expect(target.brokenAt[0]).toBeGreaterThan(0);
  expect(examples[0]).toMatch(/^what a (?!fine ).+ and (?!lovely ).+ story$/);
});

test.each(["textbugger", "charmer"])(
  "%s says of which texts it has too few queries",
  async (id) => {
    const unit = textAttacks.find((a) => a.id === id) as TextAttack;
    const { notes, examples, texts } = await attackTexts(unit, { queries: 3 });
    // "dull" is one word, about which there is nothing to rank.
    const untried = id === "charmer" ? 5 : 4;
    expect(notes).toEqual([
      `${id}: ${untried} texts have more places than they have queries, and were not tried`,
    ]);
    expect(examples[0]).toBe(texts[0]);
    expect((await attackTexts(unit)).notes).toEqual([]);
  },
);

test("texts have no gradient, whatever an attack declares", async () => {
  const b = new GraphBuilder(emptyGraph("two"));
  b.input({ name: "x", type: "float32", dims: ["N", 2] });
  const w = b.constant(floats([2, 2], [1, 0, 0, 1]));
  const logits = b.op("MatMul", ["x", w], {}, "logits");
  const model = modelOf(b.build([logits]), "two");
  const answers = async () => ({ logits: floats([1, 2], [0, 1]), scores: [] });
  const target = grantAccess(
    { model, answers },
    { access: "gradient", x: ["a"], y: Int32Array.of(1), limit: editsLimit(1) },
  );
  await expect(target.lossGradient(["a"], [0])).rejects.toMatchObject({
    code: "ACCESS_DENIED",
  });
});
