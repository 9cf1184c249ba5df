import { join } from "node:path";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { architectures, tuneEvenly } from "#tuning";
import { loadData, saveModel, splitData } from "../../src/index.ts";
import { put } from "../folder.ts";
import { settings } from "../reference.ts";

/** Writes what examples speak of: digits.onnx, of all ten, and a suite of it. */
export async function writeDigits(folder: string): Promise<void> {
  const { train, validation } = splitData(await loadData({ source: "digits" }));
  const { model } = await tuneEvenly({
    model: architectures[0]!.build([1, 8, 8], train.classes, new Random(1)),
    train,
    validation,
    epochs: 2,
    settings: settings({ learningRate: 5e-3 }),
    engine: onnxruntime,
    random: new Random(2),
  });
  saveModel(join(folder, "digits.onnx"), model);
  saveModel(join(folder, "model.onnx"), model);
  put(
    folder,
    "suite.yaml",
    `
version: 1
title: Digits
data: { source: digits }
samples: 20
candidates:
  given: { model: digits.onnx }
threatModels:
  linf-0.1: { norm: linf, eps: 0.1 }
attacks:
  pgd: { id: pgd, steps: 5 }
  noise: noise
gate:
  - cleanAccuracy: { min: 0.2 }
`,
  );
}
