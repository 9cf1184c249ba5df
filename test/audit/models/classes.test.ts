import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { loadDataset } from "#data";
import { loadModel, type Model } from "#model";
import { GraphBuilder, int, writeModel } from "#onnx";
import { put, temporaryFolder } from "../../folder.ts";
import { linearModel } from "../../reference.ts";

const folder = temporaryFolder();

/** Takes a digit for that whose mean is nearest. */
async function nearestMean(): Promise<Model> {
  const { x, y } = await loadDataset({ source: "digits" }, ".");
  const means = Array.from({ length: 10 }, (_, k) => {
    const own = Array.from(y.keys()).filter((i) => y[i] === k);
    return Array.from(
      { length: 64 },
      (_, p) =>
        own.reduce((sum, i) => sum + x.data[64 * i + p]!, 0) / own.length,
    );
  });
  const bias = means.map((m) => -m.reduce((sum, v) => sum + v * v, 0) / 2);
  return linearModel(means, bias, [1, 8, 8]);
}

const { graph } = await nearestMean();
writeModel(join(folder, "ten.onnx"), graph);
const words = "zero one two three four five six seven eight nine".split(" ");
const b = new GraphBuilder(graph);
const table = { type: "string", dims: [10], data: words } as const;
const chosen = b.op("ArgMax", ["logits"], { axis: int(1), keepdims: int(0) });
const label = b.op("Gather", [b.constant(table), chosen], {}, "label");
writeModel(join(folder, "named.onnx"), b.build(["logits", label]));

const audit = (candidate: string) =>
  runAudit({
    suite: put(
      folder,
      "suite.yaml",
      `version: 1
title: few of many
data: { source: digits }
classes: ["7", "3"]
candidates: { given: ${candidate} }
threatModels: { l: { norm: linf, eps: 0.02 } }
attacks: { fgsm: fgsm }
samples: 20
`,
    ),
    out: join(folder, "out"),
  });

test("a model of ten classes is audited on the two that the data has", async () => {
  const { candidates, classes } = await audit(
    "{ model: ten.onnx, classes: [7, 3] }",
  );
  expect(classes).toEqual(["7", "3"]);
  expect(candidates[0]?.cleanAccuracy.value).toBeGreaterThan(0.95);
  const turned = await audit("{ model: ten.onnx, classes: [3, 7] }");
  expect(turned.candidates[0]?.cleanAccuracy.value).toBeLessThan(0.05);
});

test("outputs that are not there, or not said, are refused in the plan", async () => {
  await expect(audit("{ model: ten.onnx }")).rejects.toMatchObject({
    message: expect.stringContaining(
      "ten.onnx has 10 outputs, 2 names were given",
    ),
    hint: expect.stringContaining("classes of the candidate"),
  });
  await expect(audit("{ model: ten.onnx, classes: [7, 10] }")).rejects.toThrow(
    /ten\.onnx has no output 10: it has 10 outputs/,
  );
  await expect(audit("{ model: ten.onnx, classes: [7, 7] }")).rejects.toThrow(
    "classes name the output 7 of",
  );
  await expect(
    audit("{ model: ten.onnx, classes: [7, 3, 1] }"),
  ).rejects.toThrow("has 3 outputs, 2 names were given");
  await expect(audit("{ strategy: full, classes: [7, 3] }")).rejects.toThrow(
    "says which classes of a model's file are judged",
  );
});

test("names of a file say which outputs its classes are", async () => {
  const file = join(folder, "named.onnx");
  const model = await loadModel(file, { classes: ["seven", "three"] });
  expect(model.classes).toEqual(["seven", "three"]);
  const gather = model.graph.nodes.at(-1);
  expect(gather?.op).toBe("Gather");
  expect(
    Array.from(
      model.graph.constants.get(gather?.inputs[1] ?? "")?.data ?? [],
      Number,
    ),
  ).toEqual([7, 3]);
  const { candidates } = await audit(
    "{ model: named.onnx, classes: [seven, three] }",
  );
  expect(candidates[0]?.cleanAccuracy.value).toBeGreaterThan(0.95);
  await expect(
    audit("{ model: named.onnx, classes: [seven, tree] }"),
  ).rejects.toThrow(
    'has no output "tree": it has 10 outputs and names zero, one, two',
  );
});
