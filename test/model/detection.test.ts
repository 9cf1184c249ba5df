import fc from "fast-check";
import { expect, test } from "vitest";
import { ballOf } from "#attacks";
import { onnxruntime } from "#engine";
import {
  argmaxRows,
  asAttacked,
  compile,
  type Detector,
  grantAccess,
  type Model,
  rejections,
} from "#model";
import { floats, GraphBuilder } from "#onnx";
import { linearModel } from "../reference.ts";

const detector: Detector = {
  id: "sum",
  score: "score",
  threshold: 1,
  scale: 0.5,
  weight: 2,
  rejects: true,
};

/** Three classes of two numbers. The score is their sum. */
function watched(detectors: readonly Detector[] = [detector]): Model {
  const plain = linearModel(
    [
      [3, 0],
      [0, 3],
      [1, 1],
    ],
    [0, 0.1, 0],
  );
  const b = new GraphBuilder(plain.graph, "detect/");
  b.rename(b.reduceSum("input", [1]), "score");
  return { ...plain, graph: b.build([plain.logits, "score"]), detectors };
}

const row = fc.array(fc.float({ min: -5, max: 5, noNaN: true }), {
  minLength: 3,
  maxLength: 3,
});

test("what an attacker sees is another class than the true one exactly where it is misclassified and not refused", () => {
  fc.assert(
    fc.property(
      row,
      fc.float({ min: -4, max: 4, noNaN: true }),
      fc.nat(2),
      (z, score, label) => {
        const [first, second] = [...z].sort((a, b) => b - a) as [
          number,
          number,
        ];
        fc.pre(first - second > 1e-3 && Math.abs(score - 1) > 1e-3);
        const logits = floats([1, 3], z);
        const scores = [floats([1], [score])];
        const seen = asAttacked({ logits, scores }, [detector], [label]);
        const [predicted] = argmaxRows(logits);
        const [refused] = rejections([detector], scores, 1);
        const broken = predicted !== label && !refused;
        expect(argmaxRows(seen)[0] !== label).toBe(broken);
        // Only the true class counts for more.
        for (const [k, v] of seen.data.entries())
          if (k !== label) expect(v).toBe(logits.data[k]);
      },
    ),
  );
});

test("one that sanitises what it flags refuses nothing", () => {
  const logits = floats([1, 3], [1, 2, 3]);
  const scores = [floats([1], [9])];
  const gentle = [{ ...detector, rejects: false }];
  expect(asAttacked({ logits, scores }, gentle, [0])).toBe(logits);
  expect(rejections(gentle, scores, 1)).toEqual([false]);
});

test("the loss in the graph is that of what the attacker sees", async () => {
  const compiled = await compile(watched(), onnxruntime);
  const points = [0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.9, 0.9, 0.05, 0.6];
  const x = floats([5, 2], points);
  for (const label of [0, 1, 2]) {
    const truth = Array.from({ length: 5 }, () => label);
    const { loss, logits, scores } = await compiled.lossGradient(x, truth, {
      loss: "margin",
    });
    const seen = asAttacked({ logits, scores }, [detector], truth).data;
    for (let i = 0; i < 5; i++) {
      const own = [...seen.slice(3 * i, 3 * i + 3)];
      const [right = 0] = own.splice(label, 1);
      expect(loss[i]).toBeCloseTo(Math.max(...own) - right, 4);
    }
  }
  await compiled.release();
});

test("a target holds a sample for broken only where no detector refuses it", async () => {
  const compiled = await compile(watched(), onnxruntime);
  const x = floats([1, 2], [0.5, 0.1]);
  const target = grantAccess(compiled, {
    access: "score",
    x,
    y: Int32Array.of(0),
    limit: ballOf("linf", 1, [0, 1]),
  });
  // Misclassified and flagged: to an attack it is still the true class.
  const flagged = floats([1, 2], [0.4, 0.9]);
  expect([...(await target.predict(flagged, [0]))]).toEqual([0]);
  expect(argmaxRows(await target.scores(flagged, [0]))[0]).toBe(0);
  expect(target.open()).toEqual([0]);
  const hidden = floats([1, 2], [0.1, 0.6]);
  expect([...(await target.predict(hidden, [0]))]).toEqual([1]);
  expect(target.open()).toEqual([]);
  expect(target.examples().data).toEqual(hidden.data);
  await compiled.release();
});
