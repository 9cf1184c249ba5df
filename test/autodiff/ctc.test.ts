import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ctcLoss, gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import { emptyGraph, type FloatTensor, floats, GraphBuilder } from "#onnx";

interface Case {
  readonly dims: readonly [number, number, number];
  /** The most classes of a label. */
  readonly most: number;
  readonly outputs: readonly number[];
  readonly frames: readonly number[];
  readonly labels: readonly (readonly number[])[];
  readonly loss: readonly number[];
  readonly gradient: readonly number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/ctc/loss.json", import.meta.url), "utf8"),
) as { cases: Case[] };

/** The loss of each sample and the gradient of their sum. */
async function differentiated(
  dims: readonly number[],
  outputs: ArrayLike<number>,
  targets: FloatTensor,
) {
  const b = new GraphBuilder(emptyGraph("ctc"));
  const [, steps = 0, classes = 0] = dims;
  b.input({ name: "x", type: "float32", dims: ["batch", steps, classes] });
  const width = targets.dims[1] ?? 0;
  b.input({ name: "y", type: "float32", dims: ["batch", width] });
  const loss = ctcLoss(b, "x", "y");
  const result = gradient(b.build([loss]), { of: loss, wrt: ["x"] });
  const session = await onnxruntime.load(result.graph);
  const found = await session.run({
    x: floats([...dims], outputs),
    y: targets,
  });
  await session.release();
  const of = (name: string) => (found[name] as FloatTensor).data;
  return { loss: of(loss), gradient: of(result.gradients.get("x") as string) };
}

const targetsOf = ({ frames, labels, most }: Case): FloatTensor =>
  floats(
    [labels.length, 1 + most],
    labels.flatMap((label, i) => [
      frames[i]!,
      ...Array.from({ length: most }, (_, k) => label[k] ?? -1),
    ]),
  );

describe.each(cases.map((c) => [c.dims.join("x"), c] as const))(
  "%s",
  (_name, one) => {
    test("PyTorch has the same loss and gradient", async () => {
      const { loss, gradient } = await differentiated(
        one.dims,
        one.outputs,
        targetsOf(one),
      );
      one.loss.forEach((v, i) => {
        expect(Math.abs(loss[i]! - v)).toBeLessThan(1e-5 * Math.max(1, v));
      });
      one.gradient.forEach((v, i) => {
        expect(Math.abs(gradient[i]! - v)).toBeLessThan(1e-5);
      });
    });

    test("steps that do not count have no gradient", async () => {
      const { gradient } = await differentiated(
        one.dims,
        one.outputs,
        targetsOf(one),
      );
      const [, steps, classes] = one.dims;
      one.frames.forEach((frames, i) => {
        const row = gradient.subarray(
          (i * steps + frames) * classes,
          (i + 1) * steps * classes,
        );
        expect(row.every((v) => v === 0)).toBe(true);
      });
    });
  },
);

test("a step that is one alone, and a label of nothing", async () => {
  const one = await differentiated(
    [1, 1, 3],
    [0, 1, 2],
    floats([1, 2], [0, 2]),
  );
  const [a, b, c] = [1, Math.E, Math.E ** 2];
  expect(one.loss[0]).toBeCloseTo(-Math.log(c / (a + b + c)), 5);
  const none = await differentiated(
    [1, 2, 2],
    [0, 1, 2, 0],
    floats([1, 3], [0, -1, -1]),
  );
  const share = (1 / (1 + Math.E)) * (Math.E ** 2 / (1 + Math.E ** 2));
  expect(none.loss[0]).toBeCloseTo(-Math.log(share), 5);
});
