import { describe, expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { Random } from "#core";
import type { Model, Task } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { quick } from "./quick.ts";

const [SAMPLES, OUTPUTS, SIDE] = [6, 3, 8];
const random = new Random(11);
const W = Array.from({ length: OUTPUTS }, () =>
  Array.from({ length: SIDE * SIDE }, () => 0.3 * random.normal()),
);
const B = W.map((row) => -0.5 * row.reduce((sum, w) => sum + w, 0));

/** A linear model of small images. */
const model = (task: Task): Model => {
  const plain = linearModel(W, B);
  const shape = [1, SIDE, SIDE];
  const input = { ...plain.graph.inputs[0], dims: ["batch", ...shape] };
  const [gemm] = plain.graph.nodes;
  return {
    ...plain,
    task,
    contract: { shape, bounds: [0, 1] },
    graph: {
      ...plain.graph,
      inputs: [input as never],
      nodes: [
        {
          name: "flat",
          op: "Flatten",
          domain: "",
          inputs: ["input"],
          outputs: ["flat"],
          attributes: {},
        },
        {
          ...gemm,
          inputs: ["flat", ...(gemm?.inputs.slice(1) ?? [])],
        } as never,
      ],
    },
  };
};

/** Samples near the middle of the bounds, so that no distance is cut by them. */
const x: FloatTensor = {
  ...uniformPoints(SAMPLES, SIDE * SIDE, [0.4, 0.6], 5),
  dims: [SAMPLES, 1, SIDE, SIDE],
};
const y = new Int32Array(SAMPLES);
const outputsOf = ({ data }: FloatTensor) =>
  Array.from({ length: SAMPLES }, (_, i) =>
    W.map((row, k) =>
      row.reduce((sum, w, p) => sum + w * data[i * SIDE * SIDE + p]!, B[k]!),
    ),
  );
const clean = outputsOf(x);
const TOLERANCE = 0.4;

interface Case {
  readonly task: Task;
  readonly targets: FloatTensor;
  /** How far an output has to move before the sample is wrong, for each way. */
  readonly rooms: (row: number[]) => number[];
  readonly isWrong: (outputs: number[], i: number) => boolean;
}
const labels = clean.map((row) => row.map((z) => Number(z > 0)));
const values = clean.map((row, i) => row.map((v) => v - 0.1 + 0.03 * i));
const cases: Record<string, Case> = {
  labels: {
    task: { kind: "multi-label", flips: 1 },
    targets: floats([SAMPLES, OUTPUTS], labels.flat()),
    rooms: (row) => row.map(Math.abs),
    isWrong: (row, i) => row.some((z, k) => Number(z > 0) !== labels[i]![k]),
  },
  values: {
    task: { kind: "regression", tolerance: TOLERANCE },
    targets: floats([SAMPLES, OUTPUTS], values.flat()),
    rooms: (row) => {
      const i = clean.indexOf(row);
      return row.map((v, k) => TOLERANCE - Math.abs(v - values[i]![k]!));
    },
    isWrong: (row, i) =>
      row.some((v, k) => Math.abs(v - values[i]![k]!) > TOLERANCE),
  },
};

const l2 = (row: number[]) => Math.sqrt(row.reduce((s, w) => s + w * w, 0));
const l1 = (row: number[]) => row.reduce((s, w) => s + Math.abs(w), 0);

describe.each(Object.entries(cases))("%s", (_name, one) => {
  const { task, targets, rooms, isWrong } = one;
  const data = { x, y, targets };
  /**
   * The distance of the nearest wrong point, by the dual norm of each output's weights.
   */
  const nearest = (dual: (row: number[]) => number) =>
    clean.map((row) => Math.min(...rooms(row).map((r, k) => r / dual(W[k]!))));

  test.each(attacks.map((a) => [a.id, a] as const))(
    "%s breaks only what is wrong in words, and stays in its ball",
    async (id, unit) => {
      const norm = unit.norms[0]!;
      const eps = { linf: 0.05, l2: 0.5, l1: 3, l0: 6, none: 0 }[norm];
      const { examples, target } = await attacked(id, model(task), data, {
        norm,
        eps,
        params: quick[id] ?? {},
      });
      const outputs = outputsOf(examples);
      const ball = ballOf(norm, eps, [0, 1]);
      for (const d of ball.distance(x, examples))
        expect(d).toBeLessThanOrEqual(ball.eps + 1e-5);
      for (const v of examples.data) expect(v >= 0 && v <= 1).toBe(true);
      // Through a base the target is never asked. One perturbation of all is not
      // the best of each.
      if (unit.access !== "base" && unit.family !== "universal")
        target.distances.forEach((d, i) => {
          expect(isWrong(outputs[i]!, i)).toBe(d < Infinity);
        });
    },
  );

  test.each([
    ["deepfool", 1.03],
    ["fab", 1.03],
    // It follows the largest margin, which need not be the nearest way.
    ["fmn", 1.25],
  ])("%s finds the nearest wrong point", async (id, within) => {
    const { distances } = await attacked(id, model(task), data, {
      norm: "l2",
    });
    nearest(l2).forEach((d, i) => {
      expect(distances[i]).toBeGreaterThan(0.999 * d);
      expect(distances[i]).toBeLessThan(within * d);
    });
  });

  test.each(["apgd-t", "autoattack"])(
    "%s breaks exactly what the budget reaches",
    async (id) => {
      const distances = nearest(l1);
      const sorted = distances.toSorted((a, b) => a - b);
      const eps = (sorted[SAMPLES / 2 - 1]! + sorted[SAMPLES / 2]!) / 2;
      const { target } = await attacked(id, model(task), data, {
        norm: "linf",
        eps,
        params: { ...quick[id], steps: 40 },
      });
      expect(Array.from(target.distances, (d) => d < Infinity)).toEqual(
        distances.map((d) => d < eps),
      );
    },
  );
});

test("labels that do not count are left alone", async () => {
  const task: Task = { kind: "multi-label", flips: 1, labels: ["c1"] };
  const { targets } = cases.labels as Case;
  const distances = clean.map((row) => Math.abs(row[1]!) / l1(W[1]!));
  const eps = Math.max(...distances) * 1.02;
  for (const [id, params] of [
    ["fgsm", {}],
    ["pgd", { relStepSize: 0.1 }],
  ] as const) {
    const { target } = await attacked(
      id,
      model(task),
      { x, y, targets },
      {
        norm: "linf",
        eps,
        params,
      },
    );
    target.distances.forEach((d) => {
      expect(d).toBeLessThan(Infinity);
    });
  }
});
