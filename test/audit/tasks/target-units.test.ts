import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  compile,
  inTargetUnits,
  layerGroups,
  loadModel,
  meaningOf,
  replaceHead,
} from "#model";
import { floats } from "#onnx";
import { put, temporaryFolder } from "../../folder.ts";
import { linearModel } from "../../reference.ts";

const folder = temporaryFolder();
const random = new Random(3);

/** Houses whose price and depth under ground follow from two numbers. */
const houses = Array.from({ length: 200 }, () => {
  const [area, age] = [random.uniform(), random.uniform()];
  const price = 200_000 + 90_000 * area - 60_000 * age + 500 * random.normal();
  return { area, age, price, depth: -3e-3 * area + 1e-5 * random.normal() };
});
const file = put(
  folder,
  "houses.csv",
  [
    "area,age,price,depth",
    ...houses.map((h) => [h.area, h.age, h.price, h.depth].join()),
  ].join("\n"),
);

/** How far a column is from its mean, on average. */
function spreadOf(of: (h: (typeof houses)[number]) => number) {
  const values = houses.map(of);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, v) => sum + Math.abs(v - mean), 0) / values.length;
}

const suite = (targets: string[], more: string) => {
  const data = `{ source: csv, path: ${JSON.stringify(file)}, columns: { area: { type: number, range: [0, 1] }, age: { type: number, range: [0, 1] } }, targets: [${targets.join(", ")}] }`;
  return put(
    folder,
    "suite.yaml",
    `version: 1
title: houses
data: ${data}
sourceData: ${data}
task: { kind: regression, tolerance: 10000 }
base: { pretrain: { architecture: mlp, epochs: 60 } }
threatModels: { l: { norm: linf, eps: 0.01 } }
attacks: { noise: noise }
samples: 20
${more}`,
  );
};

test("values of any size are learned as well as shares are, and said in their unit", async () => {
  const out = join(folder, "out");
  const { candidates } = await runAudit({
    suite: suite(
      ["price", "depth"],
      "candidates: { adam: { strategy: full, epochs: 20 }, sgd: { strategy: full, epochs: 20, learningRate: 0.05, optimizer: sgd } }\n",
    ),
    out,
  });
  for (const { id, file, history } of candidates) {
    // Losses are in the spread of each output, so that the small one counts too.
    expect([id, history.at(-1)?.validationLoss]).toEqual([
      id,
      expect.closeTo(0, 1),
    ]);
    const model = await loadModel(join(out, file));
    const compiled = await compile(model, onnxruntime);
    const few = houses.slice(0, 50);
    const said = await compiled.logits(
      floats(
        [few.length, 2],
        few.flatMap((h) => [h.area, h.age]),
      ),
    );
    await compiled.release();
    const errorOf = (
      k: number,
      right: (h: (typeof houses)[number]) => number,
    ) =>
      few.reduce(
        (sum, h, i) => sum + Math.abs(said.data[2 * i + k]! - right(h)),
        0,
      ) / few.length;
    expect(errorOf(0, (h) => h.price)).toBeLessThan(
      0.5 * spreadOf((h) => h.price),
    );
    expect(errorOf(1, (h) => h.depth)).toBeLessThan(
      0.5 * spreadOf((h) => h.depth),
    );
  }
});

test("the unit of the targets is no weight, and a new head takes another one", () => {
  const task = { kind: "regression", tolerance: 1 } as const;
  const plain = {
    ...linearModel(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 0],
    ),
    task,
  };
  const targets = floats([2, 2], [100, -4, 300, -2]);
  const model = inTargetUnits(plain, targets);
  expect(layerGroups(model.graph)).toEqual(layerGroups(plain.graph));
  expect(model.task).toEqual({ ...task, spread: [100, 1] });
  const { lossOf } = meaningOf(model);
  const off = { label: 0, targets: Float32Array.of(200, -3) };
  expect(lossOf([300, -3], off)).toBeCloseTo(0.5);
  expect(lossOf([200, -2], off)).toBeCloseTo(0.5);
  const again = replaceHead(model, ["one"], new Random(1));
  expect(again.graph.nodes.map((n) => n.op)).toEqual(["Gemm"]);
  expect(() => meaningOf({ ...model, classes: ["one"] })).toThrow(
    "task.spread has 2 numbers, the model has 1 outputs",
  );
});
