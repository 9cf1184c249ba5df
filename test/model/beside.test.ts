import { expect, test } from "vitest";
import { ballOf } from "#attacks";
import { onnxruntime } from "#engine";
import { compile, grantAccess } from "#model";
import { floats } from "#onnx";
import { linearModel } from "../reference.ts";

const one = linearModel(
  [
    [-4, 0],
    [4, 0],
  ],
  [2, -2],
);
const other = linearModel(
  [
    [0, -4],
    [0, 4],
    [0, 0],
  ],
  [2, -2, -9],
);
const x = floats([2, 2], [0.6, 0.6, 0.4, 0.9]);
const y = Int32Array.from([1, 0]);
const labels = Int32Array.from([1, 1]);

const opened = async () => {
  const [model, beside] = [
    await compile(one, onnxruntime),
    await compile(other, onnxruntime),
  ];
  const limit = ballOf("linf", 0.5, [0, 1]);
  const terms = { access: "gradient", x, y, limit } as const;
  const target = (more: { isBlind?: boolean } = {}) =>
    grantAccess(model, {
      ...terms,
      beside: [{ model: beside, y: labels, ...more }],
    });
  return { model, beside, target };
};

test("losses and gradients of heads are added up, of their own labels", async () => {
  const { model, beside, target } = await opened();
  const [sum, a, b] = [
    await target().lossGradient(x, [0, 1]),
    await model.lossGradient(x, y),
    await beside.lossGradient(x, labels),
  ];
  sum.loss.forEach((v, i) => {
    expect(v).toBeCloseTo(a.loss[i]! + b.loss[i]!, 5);
  });
  sum.gradient.data.forEach((v, i) => {
    const [p = 0, q = 0] = [a.gradient.data[i], b.gradient.data[i]];
    expect(v).toBeCloseTo(p + q, 5);
  });
  const blind = await target({ isBlind: true }).lossGradient(x, [0, 1]);
  expect(blind.gradient.data).toEqual(a.gradient.data);
});

test("a sample is broken only when all heads are wrong about it", async () => {
  for (const isBlind of [false, true]) {
    const { target } = await opened();
    const asked = target({ isBlind });
    expect(asked.open()).toEqual([0, 1]);
    // Wrong to the first alone, and to both.
    const halfway = floats([2, 2], [0.4, 0.6, 0.6, 0.9]);
    expect([...(await asked.predict(halfway, [0, 1]))]).toEqual([1, 0]);
    await asked.lossGradient(halfway, [0, 1]);
    expect(asked.open()).toEqual([0, 1]);
    await asked.lossGradient(floats([2, 2], [0.4, 0.4, 0.6, 0.9]), [0, 1]);
    expect(asked.open()).toEqual([1]);
    expect([...asked.examples().data.slice(2)]).toEqual([
      Math.fround(0.6),
      Math.fround(0.9),
    ]);
    await asked.scores(floats([1, 2], [0.6, 0.45]), [1]);
    expect(asked.open()).toEqual([]);
  }
});

test("a class that is aimed at is refused, since heads share none", async () => {
  const { target } = await opened();
  await expect(
    target().lossGradient(x, [0, 1], {
      loss: "cross-entropy-targeted",
      aims: [0, 1],
    }),
  ).rejects.toMatchObject({ code: "TARGET_TOGETHER" });
});
