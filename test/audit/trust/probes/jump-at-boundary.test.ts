import { expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { choiceOf, packagePath, Random } from "#core";
import { loadDataset } from "#data";
import { defend, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, type Model } from "#model";
import { floats, GraphBuilder, int, takeRows } from "#onnx";
import { jumpAtBoundary } from "../../../../src/audit/trust/probes/jump-at-boundary.ts";
import { reference } from "../../../reference.ts";

/** What is found of a model on digits that it gets right. */
async function found(model: Model, drawsAtRandom = false) {
  const compiled = await compile(model, onnxruntime);
  const { x, y } = await loadDataset({ source: "digits" }, packagePath("."));
  const predicted = argmaxRows(await compiled.logits(x));
  const right = [...y.keys()].filter((i) => predicted[i] === y[i]).slice(0, 32);
  const some = takeRows(x, right);
  return jumpAtBoundary({
    model: compiled,
    chosen: choiceOf(attacks).parse("pgd"),
    ball: ballOf("linf", 0.1, [0, 1]),
    x: some,
    y: Int32Array.from(right, (i) => y[i]!),
    examples: some,
    peaks: right.map(() => null),
    draws: 1,
    drawsAtRandom,
    random: new Random(3),
    onProgress() {},
  });
}

/** A model with something behind its logits. */
function behind(
  model: Model,
  add: (b: GraphBuilder, logits: string) => string,
): Model {
  const b = new GraphBuilder(model.graph, "behind/");
  const logits = add(b, model.logits);
  return { ...model, graph: b.build([logits]), logits };
}

/** 1 for the label, and a small part of the scores beside it. */
const labelBeside = (share: number) => (b: GraphBuilder, z: string) => {
  const most = b.op("ReduceMax", [z, b.ints([1])], { keepdims: int(1) });
  const label = b.mask(b.op("GreaterOrEqual", [z, most]), z);
  return b.add(b.mul(label, 10), b.mul(z, share));
};

/** Factors of scores that differ from voter to voter. */
const off = (voter: number, classes: number) =>
  floats(
    [1, classes],
    Array.from(
      { length: classes },
      (_, c) => 1 + 0.1 * Math.sin(7 * voter + 3 * c),
    ),
  );

test("the margin of a network passes through nothing, however steep it is", async () => {
  const model = await reference();
  const plain = await found(model);
  expect(plain?.ways).toBe(16);
  expect(plain?.jump).toBeLessThan(1e-3);
  const steep = await found(behind(model, (b, z) => b.mul(z, 1000)));
  expect(steep?.jump).toBeLessThan(1e-3);
});

test("a label with scores beside it jumps", async () => {
  const jump = await found(behind(await reference(), labelBeside(0.01)));
  expect(jump?.jump).toBeGreaterThan(0.9);
});

test("coarse inputs of an honest model are small jumps that its gradient passes over", async () => {
  const model = await reference();
  expect((await found(model))?.overRounding).toBe(false);
  const coarse = defend(model, [
    choiceOf(sanitizers).parse({ id: "bit-depth", bits: 3 }),
  ]);
  const jump = await found(coarse);
  expect(jump?.jump).toBeLessThan(0.3);
  expect(jump?.overRounding).toBe(true);
});

test("scores that are rounded to whole numbers are less of a jump than one vote of five", async () => {
  const model = await reference();
  const rounded = behind(model, (b, z) => b.op("Round", [z]));
  expect((await found(rounded))?.jump).toBeLessThan(0.1);
  // The label five times over, each of scores that are a little off.
  const vote = behind(model, (b, z) => {
    const votes = Array.from({ length: 5 }, (_, k) => {
      const own = b.mul(z, b.constant(off(k, model.classes.length)));
      const most = b.op("ReduceMax", [own, b.ints([1])], { keepdims: int(1) });
      return b.mask(b.op("GreaterOrEqual", [own, most]), own);
    });
    return votes.reduce((sum, one) => b.add(sum, one));
  });
  const jump = await found(vote);
  expect(jump?.jump).toBeGreaterThan(0.15);
  expect(jump?.jump).toBeLessThan(0.5);
});

test("answers that are drawn at random have no boundary to look for", async () => {
  expect(await found(await reference(), true)).toBeNull();
});
