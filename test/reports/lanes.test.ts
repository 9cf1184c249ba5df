import { expect, test } from "vitest";
import { lanesOf, trainedIn } from "../../reports/html/sections/lanes.ts";

const history = (...trainable: string[][]) =>
  trainable.map((groups, i) => ({
    epoch: i + 1,
    stage: 0,
    trainLoss: 1,
    validationLoss: 1,
    validationAccuracy: 0.5,
    learningRate: 0.1,
    best: i === 0,
    trainable: groups,
  }));

test("few layer groups have a lane each, with the stretches in which each was trained", () => {
  const epochs = history(["head"], ["body", "head"], ["head"], ["body"]);
  expect(lanesOf(epochs)).toEqual([
    { name: "head", title: "head", stretches: [[1, 3]] },
    {
      name: "body",
      title: "body",
      stretches: [
        [2, 2],
        [4, 4],
      ],
    },
  ]);
  expect(trainedIn(epochs[1]!, epochs)).toBe("body, head");
});

test("of many, neighbours that were trained together are one lane", () => {
  const blocks = Array.from({ length: 12 }, (_, i) => `block${i}`);
  const epochs = history(["head"], ["head", ...blocks]);
  expect(lanesOf(epochs)).toEqual([
    { name: "head", title: "head", stretches: [[1, 2]] },
    {
      name: "12 layer groups",
      title: "block0 to block11",
      stretches: [[2, 2]],
    },
  ]);
  expect(trainedIn(epochs[1]!, epochs)).toBe("all 13 layer groups");
});

test("a long name loses its middle", () => {
  const [lane] = lanesOf(history(["encoder.layer.11.attention.output.dense"]));
  expect(lane).toMatchObject({
    name: "encoder.la…put.dense",
    title: "encoder.layer.11.attention.output.dense",
  });
  expect([...lane!.name]).toHaveLength(20);
});
