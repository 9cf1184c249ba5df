import { beforeAll, describe, expect, test } from "vitest";
import { attacks } from "#attacks";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, type Model } from "#model";
import { floats, GraphBuilder, int, takeRows } from "#onnx";
import { reference, smallDigits } from "../reference.ts";
import { attacked } from "./attacked.ts";
import { quick } from "./quick.ts";

const COUNT = 12;
let model: Model;
let rooted: Model;
let samples: Parameters<typeof attacked>[2];

/**
 * The model with as good as nothing times a root added, whose slope at 0 is not finite:
 * the first pixels are 0 in every digit.
 */
function withRoot(plain: Model): Model {
  const b = new GraphBuilder({ ...plain.graph, outputs: [] }, "root/");
  const flat = b.op("Flatten", [plain.input], { axis: int(1) });
  const first = b.op("Slice", [flat, b.ints([0]), b.ints([2]), b.ints([1])]);
  const root = b.sqrt(b.reduceSum(b.mul(first, first), [1], true));
  const logits = b.add(plain.logits, b.mul(root, 1e-6));
  return { ...plain, graph: b.build([logits]), logits };
}

beforeAll(async () => {
  model = await reference();
  rooted = withRoot(model);
  const { test: data } = await smallDigits();
  const compiled = await compile(model, onnxruntime);
  const predicted = argmaxRows(await compiled.logits(data.x));
  await compiled.release();
  const right = Array.from(data.y.keys())
    .filter((i) => predicted[i] === data.y[i])
    .slice(0, COUNT);
  samples = {
    x: takeRows(data.x, right),
    y: Int32Array.from(right, (i) => data.y[i]!),
  };
});

const followers = attacks
  .filter(({ access }) => access === "gradient")
  .flatMap(({ id, norms }) =>
    // Norms differ in how they step, which one attack shows.
    (id === "pgd" ? norms : norms.slice(0, 1)).map(
      (norm) => [id, norm] as const,
    ),
  );

const params: typeof quick = {
  ...quick,
  ead: { ...quick.ead, initialConst: 1 },
};

describe("a gradient with numbers that are not finite", () => {
  test("has 0 in their place, and says where it had them", async () => {
    const compiled = await compile(rooted, onnxruntime);
    const few = floats([2, 1, 8, 8], new Float32Array(128));
    few.data.fill(0.5, 64);
    const found = await compiled.lossGradient(few, [0, 1]);
    await compiled.release();
    expect(found.notFinite).toEqual([0]);
    expect(found.gradient.data.every(Number.isFinite)).toBe(true);
    expect(found.gradient.data.subarray(2, 64).some((g) => g !== 0)).toBe(true);
  });

  test.each(followers)(
    "does not stop %s in %s, which says of how many samples",
    async (id, norm) => {
      const eps = { linf: 0.12, l2: 1, l1: 4, l0: 8, none: 1 }[norm];
      const setting = { norm, eps, params: params[id] ?? {} };
      const plain = await attacked(id, model, samples, setting);
      const other = await attacked(id, rooted, samples, setting);
      const broken = (distances: number[]) =>
        distances.filter((d) => d < Infinity).length;
      expect(broken(plain.distances)).toBeGreaterThan(0);
      expect(broken(other.distances)).toBeGreaterThanOrEqual(
        broken(plain.distances) - 2,
      );
      // A random start is not at 0.
      if (other.target.notFinite.size > 0)
        expect(other.notes).toContainEqual(
          expect.stringContaining(
            `of ${other.target.notFinite.size} of ${COUNT} samples`,
          ),
        );
      expect(plain.target.notFinite.size).toBe(0);
    },
  );
});
