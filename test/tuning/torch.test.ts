import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { packagePath, Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import type { Model } from "#model";
import { emptyGraph, floats, GraphBuilder, int } from "#onnx";
import { optimizers, schedules, tuneEvenly } from "#tuning";
import { settings } from "../reference.ts";

// What PyTorch made of the same data and weights (test/fixtures/tuning/from_torch.py).
// Slanted triangular and halving at checkpoints are none of its schedules.

interface Case {
  readonly schedule: { readonly id: string };
  readonly optimizer: { readonly id: string };
  readonly rate: number;
  readonly epochs: number;
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

const { x, y, first, cases } = JSON.parse(
  readFileSync(packagePath("test/fixtures/tuning/torch.json"), "utf8"),
) as {
  x: number[];
  y: number[];
  first: Record<string, { dims: number[]; data: number[] }>;
  cases: Case[];
};

/** Of what weights gain and lose by rounding alone; PyTorch computes in float32 too. */
const TOLERANCE = 4e-7;

function network(): Model {
  const b = new GraphBuilder(emptyGraph("net"));
  b.input({ name: "input", type: "float32", dims: ["batch", 4] });
  const layer = (from: string, name: string, out: string) => {
    const [w, c] = ["weight", "bias"].map((part) => {
      const { dims, data } = first[`${name}.${part}`]!;
      return b.constant(floats(dims, data), `${name}.${part}`);
    }) as [string, string];
    return b.op("Gemm", [from, w, c], { transB: int(1) }, out);
  };
  const hidden = b.op("Relu", [layer("input", "hidden", "hidden")]);
  const logits = layer(hidden, "head", "logits");
  return {
    graph: b.build([logits]),
    input: "input",
    logits,
    contract: { shape: [4], bounds: [0, 1] },
    classes: ["a", "b", "c"],
    straightThrough: [],
  };
}

const data: Dataset = {
  x: floats([y.length, 4], x),
  y: Int32Array.from(y),
  classes: ["a", "b", "c"],
  name: "torch",
  fingerprint: "",
};

const chosen = <
  U extends { id: string; params: { parse(v: unknown): unknown } },
>(
  all: readonly U[],
  { id, ...params }: { readonly id: string },
) => {
  const unit = all.find((one) => one.id === id) as U;
  return { unit, params: unit.params.parse(params) as Record<string, unknown> };
};

test.each(
  cases.map(
    (one) =>
      [
        `${JSON.stringify(one.schedule)} with ${JSON.stringify(one.optimizer)}, ${one.epochs} epochs`,
        one,
      ] as const,
  ),
)("%s", async (_name, { schedule, optimizer, rate, epochs, weights }) => {
  let last: Model | undefined;
  await tuneEvenly({
    model: network(),
    train: data,
    validation: data,
    epochs,
    settings: {
      ...settings({
        batchSize: y.length,
        learningRate: rate,
        patience: null,
      }),
      schedule: chosen(schedules, schedule),
      optimizer: chosen(optimizers, optimizer),
    },
    engine: onnxruntime,
    random: new Random(1),
    onWeights: (_epoch, model) => {
      last = model;
    },
  });
  for (const [name, expected] of Object.entries(weights)) {
    const found = last?.graph.constants.get(name)?.data as Float32Array;
    found.forEach((v, i) => {
      expect(Math.abs(v - expected[i]!)).toBeLessThan(
        TOLERANCE * Math.max(1, Math.abs(expected[i]!)),
      );
    });
  }
});
