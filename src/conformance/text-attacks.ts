import { attackOn, editsLimit, type TextAttack } from "#attacks";
import { Random } from "#core";
import { type Limit, modelOf, samplesAt } from "#model";
import { emptyGraph, floats, GraphBuilder } from "#onnx";
import { editsBetween } from "#texts";
import type { LawOptions } from "./attacks.ts";
import { ensure, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";

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

/** A model of two classes, which is never run: what it says is made by `answers`. */
const twoClasses = once(() => {
  const b = new GraphBuilder(emptyGraph("two"));
  b.input({ name: "x", type: "float32", dims: ["N", 2] });
  const w = b.constant(floats([2, 2], [1, 0, 0, 1]));
  return modelOf(b.build([b.op("MatMul", ["x", w], {}, "logits")]), "two");
});

export interface TextAttempt {
  readonly eps?: number;
  readonly seed?: number;
  readonly rows?: readonly number[];
  readonly queries?: number;
  readonly params?: Readonly<Record<string, unknown>>;
}

/**
 * Runs an attack on a classifier of five texts that adds up the weights of the words
 * that it knows.
 */
export async function attackTexts(
  unit: TextAttack,
  { eps = 2, seed = 1, rows, queries, params = {} }: TextAttempt = {},
) {
  const chosen = rows ?? [...Y.keys()];
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
    { model: twoClasses(), answers },
    { x: TEXTS, y: Y },
    { unit, params: unit.params.parse(params) },
    { ball: editsLimit(eps), queries },
    {
      rows: chosen,
      random: new Random(seed),
      onNote: (text) => notes.push(text),
    },
  );
  const examples = samplesAt(await run(), chosen);
  return { examples, target, asked, texts: samplesAt(TEXTS, chosen), notes };
}

/**
 * The laws of attacks on texts, on a classifier that adds up words.
 *
 * @example
 * ```ts
 * import { textAttackLaws } from "assay/conformance";
 * import { leaveOut } from "./leave-out.ts";
 *
 * for (const { title, check } of textAttackLaws(leaveOut)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function textAttackLaws(
  unit: TextAttack,
  { params = {}, seed = 1, cases = 10 }: LawOptions = {},
): Law[] {
  const attack = (options: TextAttempt = {}) =>
    attackTexts(unit, { ...options, params });
  const alike = (
    one: readonly string[],
    other: readonly string[],
    what: string,
  ) =>
    ensure(
      one.length === other.length && one.every((text, i) => text === other[i]),
      `${what}: ${JSON.stringify(one)}, then ${JSON.stringify(other)}`,
    );
  return [
    {
      title: "no edits return the texts",
      async check() {
        const { examples, texts } = await attack({ eps: 0 });
        alike(texts, examples, "the texts, then the examples");
      },
    },
    {
      title: "stays within any number of edits",
      async check() {
        for (let i = 0; i < cases; i++) {
          const eps = i % 7;
          const { examples, texts } = await attack({ eps, seed: seed + i });
          for (const [at, text] of texts.entries()) {
            const edits = editsBetween(text, examples[at]!);
            ensure(
              edits <= eps,
              `${edits} edits of ${eps} allowed, at seed ${seed + i}`,
            );
          }
        }
      },
    },
    {
      title: "the same seed gives the same texts, however they are batched",
      async check() {
        const whole = (await attack()).examples;
        alike(whole, (await attack()).examples, "twice");
        const parts = [
          await attack({ rows: [0, 1] }),
          await attack({ rows: [2] }),
          await attack({ rows: [3, 4] }),
        ];
        // Samples draw from generators of their own places.
        const joined = parts.flatMap((p) => [...p.examples]);
        alike(whole, joined, "at once, then in parts");
      },
    },
    {
      title: "every query is counted, and there are no more than it may make",
      async check() {
        const { target, asked } = await attack();
        const { forward } = target.queries;
        ensure(
          forward === asked.length,
          `${asked.length} queries were made, ${forward} counted`,
        );
        const { asked: few } = await attack({ queries: 7 });
        ensure(
          few.length <= 7 * TEXTS.length,
          `${few.length} queries of ${7 * TEXTS.length} that it may make`,
        );
      },
    },
    {
      title: "breaks what one word decides",
      async check() {
        const { target } = await attack({ rows: [0], eps: 1 });
        ensure((target.brokenAt[0] ?? 0) > 0, `"${TEXTS[0]}" stands`);
      },
    },
    saysWhatItIs("text attack", unit),
  ];
}
