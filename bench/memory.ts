import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeNpy, jsonText, Random } from "#core";
import { floats, writeModel } from "#onnx";
import { resnet50 } from "./inspect/models.ts";
import { measured } from "./measured.ts";

const CLASSES = 2;
/** Those of a cell: more than one pass of such a model takes, forth or back. */
const ATTACKED = 32;
const SAMPLES = 40;

/**
 * Noise by all budgets, and a gradient by one of them, make 50 cells of each candidate:
 * what memory a cell takes goes by its rows, not by how many passes it makes.
 */
const BUDGETS = 49;
const CANDIDATES = ["a", "b", "c", "d"];

/** Megabytes that the run may take. */
const GOAL = 4000;

/**
 * Prints what memory a run of 200 cells takes, on four candidates of the size of
 * ResNet-50.
 */
export async function memory(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  try {
    await writeSuite(folder);
    const { processor, memory } = await measured(
      ...["run", join(folder, "suite.yaml"), "--quiet"],
      ...["--workers", "1", "--out", join(folder, "run")],
    );
    console.log(
      `200 cells of ${ATTACKED} samples on ResNet-50: ${(memory / 1e6).toFixed(0)} MB (goal ${GOAL}), ${processor.toFixed(0)} s of the processor`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function writeSuite(folder: string): Promise<void> {
  const random = new Random(5);
  const shape = [3, 224, 224];
  const x = floats(
    [SAMPLES, ...shape],
    Float32Array.from({ length: SAMPLES * 150_528 }, () => random.uniform()),
  );
  const model = resnet50(CLASSES);
  // Of random weights half of the samples are right, so that attacks have work.
  const y = Array.from({ length: SAMPLES }, (_, i) => i % CLASSES);
  writeFileSync(join(folder, "x.npy"), encodeNpy(x));
  writeFileSync(join(folder, "y.npy"), encodeNpy(floats([SAMPLES], y)));
  for (const [i, id] of CANDIDATES.entries())
    writeModel(join(folder, `${id}.onnx`), {
      ...model.graph,
      name: `${id}${i}`,
    });
  const each = <T>(count: number, of: (i: number) => T) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`n${i}`, of(i)]),
    );
  const suite = {
    version: 1,
    title: "memory",
    data: {
      source: "npy",
      x: "x.npy",
      y: "y.npy",
      classes: Array.from({ length: CLASSES }, (_, k) => String(k)),
    },
    split: { train: 0.1, validation: 0.1, test: 0.8 },
    samples: ATTACKED,
    candidates: Object.fromEntries(
      CANDIDATES.map((id) => [id, { model: `${id}.onnx`, input: { shape } }]),
    ),
    // Of the two attacks only noise knows L1.
    threatModels: each(BUDGETS, (i) =>
      i === 0 ? { norm: "linf", eps: 0.001 } : { norm: "l1", eps: i },
    ),
    attacks: { fgsm: "fgsm", noise: { id: "noise", draws: 1 } },
  };
  writeFileSync(join(folder, "suite.yaml"), jsonText(suite));
}
