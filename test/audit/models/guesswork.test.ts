import fc from "fast-check";
import { expect, test } from "vitest";
import { classesSeen, type Model } from "#model";
import { floats } from "#onnx";
import {
  type Guesswork,
  guessworkInWords,
  guessworkOf,
  isGuesswork,
} from "../../../src/audit/models/guesswork.ts";
import { linearModel } from "../../reference.ts";

const model = (width: number, task?: Model["task"]): Model => ({
  ...linearModel(
    Array.from({ length: width }, (_, i) =>
      Array.from({ length: width }, (_, k) => Number(i === k)),
    ),
    Array.from({ length: width }, () => 0),
  ),
  task,
});

/** What a classifier's answers are worth that names these classes. */
function ofClasses(answers: number[], labels: number[], width = 3): Guesswork {
  const outputs = floats(
    [answers.length, width],
    answers.flatMap((a) =>
      Array.from({ length: width }, (_, k) => (k === a ? 2 : 0)),
    ),
  );
  const one = model(width);
  return guessworkOf(one, outputs, classesSeen(one, outputs), {
    y: Int32Array.from(labels),
  });
}

const many = <T>(n: number, at: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => at(i));

test("one answer for everything is guesswork, however often it is right", () => {
  const labels = many(100, (i) => (i < 95 ? 0 : 1));
  const found = ofClasses(
    many(100, () => 0),
    labels,
  );
  expect(found).toMatchObject({ right: 95, constant: 95, oneAnswer: true });
  expect(isGuesswork(found)).toBe(true);
  expect(guessworkInWords(found)).toContain("same answer for all 100");
});

test("a model that is right on imbalanced data is no guesswork, and one that is right as often as the largest class is", () => {
  const labels = many(200, (i) => (i % 10 === 0 ? 1 : 0));
  const good = ofClasses(
    labels.map((k, i) => (i === 3 ? 1 - k : k)),
    labels,
  );
  expect(guessworkInWords(good)).toBeUndefined();
  expect(isGuesswork(good)).toBe(false);
  // 90 % right, with answers of both classes.
  const still = ofClasses(
    many(200, (i) => (i === 7 || i === 10 ? 1 : 0)),
    labels,
  );
  expect(isGuesswork(still)).toBe(true);
  expect(guessworkInWords(still)).toContain("cannot be told from guessing");
});

test("so few samples that nothing could tell are no proof of guessing", () => {
  const found = ofClasses([0, 1, 2], [0, 1, 2]);
  expect(isGuesswork(found)).toBe(false);
  expect(guessworkInWords(found)).toContain("so few samples");
  // One class in the data: the right answer is the same for all.
  expect(isGuesswork(ofClasses([1, 1, 1, 1], [1, 1, 1, 1]))).toBe(false);
});

test("answers that are drawn blindly are taken for knowledge about as seldom as stated", () => {
  let taken = 0;
  const runs = 300;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2), fc.nat(2)), {
        minLength: 60,
        maxLength: 60,
      }),
      (pairs) => {
        const found = ofClasses(
          pairs.map(([a]) => a),
          pairs.map(([, b]) => b),
        );
        if (!isGuesswork(found)) taken++;
      },
    ),
    { numRuns: runs },
  );
  expect(taken / runs).toBeLessThan(0.08);
});

test("labels and values are compared with the best of their targets", () => {
  const regression = model(1, { kind: "regression", tolerance: 0.5 });
  const values = many(40, (i) => (i % 4 === 0 ? 5 : i));
  const targets = floats([40, 1], values);
  const y = new Int32Array(40);
  const worth = (outputs: number[], of = regression, at = targets) => {
    const { dims } = at;
    const given = floats(dims, outputs);
    return guessworkOf(of, given, classesSeen(of, given, at), {
      y,
      targets: at,
    });
  };
  expect(isGuesswork(worth(values))).toBe(false);
  const same = worth(many(40, () => 5));
  expect(same).toMatchObject({ oneAnswer: true, right: same.constant });
  expect(isGuesswork(same)).toBe(true);
  expect(isGuesswork(worth(many(40, (i) => 5 + i / 1e4)))).toBe(true);

  const labels = model(2, { kind: "multi-label", flips: 1 });
  const hot = floats(
    [40, 2],
    many(40, (i) => [i % 2, Number(i % 3 === 0)]).flat(),
  );
  const logits = Array.from(hot.data, (v) => (v > 0 ? 3 : -3));
  expect(isGuesswork(worth(logits, labels, hot))).toBe(false);
  expect(
    isGuesswork(
      worth(
        many(80, () => -3),
        labels,
        hot,
      ),
    ),
  ).toBe(true);
});
