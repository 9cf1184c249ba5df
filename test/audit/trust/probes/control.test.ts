import { expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { choiceOf, packagePath, Random } from "#core";
import { loadDataset, splitDataset } from "#data";
import { defend, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { argmaxRows, type CompiledModel, compile } from "#model";
import { takeRows } from "#onnx";
import {
  brokenControl,
  controlBits,
} from "../../../../src/audit/trust/probes/broken-control.ts";
import { reference } from "../../../reference.ts";

const EPS = 0.3;
const bits = controlBits("linf", EPS, 1, 64) as number;

/**
 * What PGD leaves behind rounding, of the first samples that the reference gets right.
 */
async function left(attack: object, { passes = true } = {}) {
  const trained = await reference();
  const bare = await compile(trained, onnxruntime);
  const all = await loadDataset({ source: "digits" }, packagePath("."));
  const { test: held } = splitDataset(
    all,
    { train: 0.7, validation: 0.1, test: 0.2 },
    new Random(1),
  );
  const predicted = argmaxRows(await bare.logits(held.x));
  const right = Array.from(held.y.keys())
    .filter((i) => predicted[i] === held.y[i])
    .slice(0, 32);
  const rounded = defend(trained, [
    choiceOf(sanitizers).parse({ id: "bit-depth", bits }),
  ]);
  const through = await compile(rounded, onnxruntime);
  const model: CompiledModel = {
    ...through,
    async lossGradient(...asked) {
      const found = await through.lossGradient(...asked);
      if (!passes) found.gradient.data.fill(0);
      return found;
    },
  };
  const x = takeRows(held.x, right);
  return brokenControl(
    {
      model,
      chosen: choiceOf(attacks).parse(attack),
      ball: ballOf("linf", EPS, [0, 1]),
      x,
      y: Int32Array.from(right, (i) => held.y[i]!),
      examples: x,
      peaks: right.map(() => null),
      draws: 1,
      drawsAtRandom: false,
      random: new Random(3),
      onProgress() {},
    },
    bare,
    bits,
  );
}

test("the control rounds in steps of half the budget of a number at most", () => {
  expect(controlBits("linf", 8 / 255, 1, 3072)).toBe(7);
  expect(controlBits("linf", 8, 255, 3072)).toBe(7);
  expect(controlBits("linf", 0.5, 1, 64)).toBe(3);
  expect(controlBits("linf", 2, 1, 64)).toBe(1);
  expect(controlBits("l2", 1.5, 1, 784)).toBe(6);
  expect(controlBits("l1", 10, 1, 784)).toBe(8);
  expect(controlBits("linf", 5e-3, 1, 64)).toBeNull();
  expect(controlBits("l0", 5, 1, 64)).toBeNull();
});

const pgd = { id: "pgd", steps: 20, relStepSize: 0.1 };

test("an attack through rounding breaks the control, and one that stops at it does not", async () => {
  expect(await left(pgd)).toEqual({ bits, tried: 32, left: 0, leftBare: 0 });
  const stopped = await left(pgd, { passes: false });
  expect(stopped.left).toBeGreaterThan(0.5 * 32);
  expect(stopped.leftBare).toBe(0);
});
