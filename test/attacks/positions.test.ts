import { describe, expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { Random } from "#core";
import { type Model, modelOf } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  ints,
} from "#onnx";
import { attacked, uniformPoints } from "./attacked.ts";
import { quick } from "./quick.ts";

const [SAMPLES, CLASSES, SIDE] = [6, 3, 8];
const LEAST = { share: 0.6, iou: 0.35 };
const random = new Random(5);
const W = Array.from({ length: CLASSES * 9 }, () => random.normal());
// About as much of every class.
const B = [0, 1, 2].map(
  (k) => -0.5 * W.slice(9 * k, 9 * k + 9).reduce((sum, w) => sum + w, 0),
);

/** A convolution 3x3 to three classes, every second pixel of every second row. */
function model(measure: "share" | "iou"): Model {
  const b = new GraphBuilder(emptyGraph("pixels"));
  const dims = ["batch", 1, SIDE, SIDE];
  b.input({ name: "input", type: "float32", dims });
  const maps = b.op(
    "Conv",
    [
      "input",
      b.constant(floats([CLASSES, 1, 3, 3], W), "w"),
      b.constant(floats([CLASSES], B), "b"),
    ],
    { strides: ints([2, 2]), pads: ints([1, 1, 0, 0]) },
  );
  return modelOf(b.build([maps]), "pixels.onnx", {
    task: { kind: "positions", measure, least: LEAST[measure] },
    classes: ["a", "b", "c"],
  });
}
const PLACES = (SIDE / 2) ** 2;

/** What the model says at each position, computed plainly. */
function saidOf({ data }: FloatTensor, sample: number): number[] {
  return Array.from({ length: PLACES }, (_, p) => {
    const [row, column] = [2 * Math.floor(p / 4), 2 * (p % 4)];
    const logits = B.map((bias, k) => {
      let z = bias;
      for (const i of [0, 1, 2])
        for (const j of [0, 1, 2]) {
          const [y, x] = [row + i - 1, column + j - 1];
          if (y < 0 || x < 0) continue;
          z += W[9 * k + 3 * i + j]! * data[(sample * SIDE + y) * SIDE + x]!;
        }
      return z;
    });
    return logits.indexOf(Math.max(...logits));
  });
}

const x: FloatTensor = {
  ...uniformPoints(SAMPLES, SIDE * SIDE, [0.3, 0.7], 5),
  dims: [SAMPLES, 1, SIDE, SIDE],
};
/** What is said clean, but for a fifth of the positions; another does not count. */
const truth = Array.from({ length: SAMPLES }, (_, i) =>
  saidOf(x, i).map((k, p) =>
    (p + i) % 5 === 0 ? (k + 1) % CLASSES : (p + i) % 5 === 1 ? -1 : k,
  ),
);

function isWrong(
  said: number[],
  right: number[],
  measure: "share" | "iou",
): boolean {
  const at = right.flatMap((y, p) => (y < 0 ? [] : [[y, said[p]!] as const]));
  if (measure === "share")
    return at.filter(([y, s]) => y === s).length / at.length < LEAST.share;
  const each = B.flatMap((_, k) => {
    const both = at.filter(([y, s]) => y === k && s === k).length;
    const either = at.filter(([y, s]) => y === k || s === k).length;
    return either > 0 ? [both / either] : [];
  });
  return each.reduce((sum, v) => sum + v, 0) / each.length < LEAST.iou;
}

describe.each(["share", "iou"] as const)("%s", (measure) => {
  const data = {
    x,
    y: new Int32Array(SAMPLES),
    targets: floats([SAMPLES, PLACES], truth.flat()),
  };
  const right = truth.map((t, i) => !isWrong(saidOf(x, i), t, measure));

  test("some samples are right clean", () => {
    expect(right).toContain(true);
  });

  test.each(attacks.map((a) => [a.id, a] as const))(
    "%s breaks only what is wrong in words, and stays in its ball",
    async (id, unit) => {
      if (unit.needs?.includes("one answer") || unit.access === "base") return;
      const norm = unit.norms[0]!;
      const eps = { linf: 0.1, l2: 0.7, l1: 4, l0: 8, none: 0 }[norm];
      const { examples, target } = await attacked(id, model(measure), data, {
        norm,
        eps,
        params: quick[id] ?? {},
      });
      const ball = ballOf(norm, eps, [0, 1]);
      for (const d of ball.distance(x, examples))
        expect(d).toBeLessThanOrEqual(ball.eps + 1e-5);
      for (const v of examples.data) expect(v >= 0 && v <= 1).toBe(true);
      // One perturbation of all is not the best of each.
      if (unit.family === "universal") return;
      target.distances.forEach((d, i) => {
        expect(isWrong(saidOf(examples, i), truth[i]!, measure)).toBe(
          d < Infinity,
        );
      });
    },
  );

  test.each(["pgd", "apgd-ce", "square", "autoattack"])(
    "%s finds more than noise of the same size",
    async (id) => {
      const at = { norm: "linf", eps: 0.06 } as const;
      const broken = async (name: string, params: Record<string, unknown>) => {
        const { target } = await attacked(name, model(measure), data, {
          ...at,
          params,
        });
        return target.distances.filter((d) => d < Infinity).length;
      };
      const found = await broken(id, quick[id] ?? {});
      expect(found).toBeGreaterThan(await broken("noise", { draws: 10 }));
    },
  );
});
