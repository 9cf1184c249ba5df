import { expect, test } from "vitest";
import { type Inversion, trialAttacks } from "#attacks";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { inversion } from "../../../../src/audit/trials/privacy/inversion.ts";
import {
  linearModel,
  reference,
  smallDigits,
  untrained,
} from "../../../reference.ts";
import { trialInput } from "../../trial-input.ts";

const miFace = trialAttacks.find((u) => u.id === "mi-face") as Inversion;

test("MI-Face moves a linear model's input to the side of each class", async () => {
  const model = linearModel(
    [
      [8, -8, 0],
      [-8, 8, 0],
    ],
    [0, 0],
  );
  const compiled = await compile(model, onnxruntime);
  const images = await miFace.invert({
    model: compiled,
    params: miFace.params.parse({}),
    onProgress() {},
  });
  await compiled.release();
  const [a, b, still, c, d] = images.data as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  // p > 0.99 from a difference of logits above log 99.
  expect(16 * (a - b)).toBeGreaterThan(Math.log(99));
  expect(16 * (d - c)).toBeGreaterThan(Math.log(99));
  expect(still).toBe(0.5);
});

test("images of a trained model's classes are sure of it, and those of an untrained head are at chance", async () => {
  const data = await smallDigits();
  const model = await reference();
  const found = await inversion.run(
    trialInput(miFace, { steps: 100 }, model, data, { base: untrained() }),
  );
  expect(found.checks.map((c) => c.status)).toEqual(["passed"]);
  const value = (id: string) =>
    found.findings.find((f) => f.id === id && f.role !== "control")?.value;
  expect(value("confidence")).toBeGreaterThan(0.9);
  expect(value("similarity")).toBeGreaterThan(0.1);
  expect(found.pictures).toHaveLength(5);
});
