import { expect, test } from "vitest";
import { argmaxRows, type Model } from "#model";
import { emptyGraph, floats, GraphBuilder, int } from "#onnx";
import { attacked, uniformPoints } from "./attacked.ts";
import { labelsOf } from "./nearest.ts";

const weights = [
  [1.1, -0.6, 0.3, 0.2, -0.9, 0.4],
  [-0.5, 1.2, -0.3, 0.7, 0.1, -0.8],
];
const bias = [0.1, -0.05];

/**
 * A linear model of its input in steps of a sixteenth: no slope says where
 * its boundary is.
 */
function stepped(): Model {
  const b = new GraphBuilder(emptyGraph("steps"));
  b.input({ name: "input", type: "float32", dims: ["batch", 6] });
  const rounded = b.div(b.op("Round", [b.mul("input", 16)]), 16);
  const logits = b.op(
    "Gemm",
    [
      rounded,
      b.constant(floats([2, 6], weights.flat())),
      b.constant(floats([2], bias)),
    ],
    { transB: int(1) },
    "logits",
  );
  return {
    graph: b.build([logits]),
    input: "input",
    logits,
    contract: { shape: [6], bounds: [0, 1] },
    classes: ["a", "b"],
    straightThrough: [],
  };
}

// What a smooth model would need, and a step more: attacks that see no slope find it.
const x = uniformPoints(20, 6, [0.4, 0.6], 4);
const rounded = { ...x, data: x.data.map((v) => Math.round(16 * v) / 16) };
const y = labelsOf({ weights, bias }, rounded);

test.each([
  ["square", "linf", { queries: 300 }],
  ["nes", "linf", { queries: 2000, sigma: 0.1, stepSize: 0.05 }],
  ["hopskipjump", "linf", { iterations: 10 }],
  ["hopskipjump", "l2", { iterations: 10 }],
  ["boundary", "l2", { steps: 500 }],
  ["one-pixel", "l0", { population: 60, generations: 20 }],
] as const)(
  "%s in %s breaks a model without slopes",
  async (id, norm, params) => {
    const eps = { linf: 0.3, l2: 0.8, l0: 3 }[norm];
    const { logits, target } = await attacked(
      id,
      stepped(),
      { x, y },
      { norm, eps, params },
    );
    const broken = argmaxRows(logits).filter((p, i) => p !== y[i]).length;
    expect(broken).toBe(20);
    expect(target.queries.gradient).toBe(0);
  },
);

test.each([
  ["autoattack", "linf", { steps: 5, queries: 300 }, "apgd-ce, apgd-t, fab-t"],
  ["caa", "linf", { generations: 30, population: 60, offspring: 40 }, "capgd"],
] as const)(
  "%s in %s goes on with what needs no slope, and names the others",
  async (id, norm, params, others) => {
    const { logits, target, notes } = await attacked(
      id,
      stepped(),
      { x, y },
      { norm, eps: 0.3, params },
    );
    const broken = argmaxRows(logits).filter((p, i) => p !== y[i]).length;
    expect(broken).toBe(20);
    expect(target.queries.gradient).toBe(0);
    expect(notes).toEqual([
      expect.stringContaining(`nothing to follow for ${others}, and`),
    ]);
  },
);

test("autoattack for models that draw has no part without a gradient", async () => {
  await expect(
    attacked(
      "autoattack",
      stepped(),
      { x, y },
      { norm: "linf", eps: 0.3, params: { version: "rand" } },
    ),
  ).rejects.toThrow(/gradient/i);
});

test.each(["fgsm", "pgd", "apgd-ce"])(
  "%s says that there is no slope to follow",
  async (id) => {
    await expect(
      attacked(id, stepped(), { x, y }, { norm: "linf", eps: 0.3 }),
    ).rejects.toThrow(/gradient/i);
  },
);
