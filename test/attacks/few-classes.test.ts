import { describe, expect, test } from "vitest";
import { attacks, type Norm } from "#attacks";
import { AssayError } from "#core";
import { argmaxRows } from "#model";
import { linearModel } from "../reference.ts";
import { attacked, uniformPoints } from "./attacked.ts";
import { labelsOf } from "./nearest.ts";

const shape = [1, 6, 6];
const count = 6;
const x = {
  ...uniformPoints(count, 36, [0.3, 0.7], 3),
  dims: [count, ...shape],
};

/** A linear model of images of so many classes. */
function scene(classes: number) {
  const weights = Array.from({ length: classes }, (_, k) =>
    Array.from({ length: 36 }, (_, i) => Math.sin(3 * i + 2 * k)),
  );
  const bias = weights.map((_, k) => 0.1 * k);
  const y = labelsOf({ weights, bias }, { ...x, dims: [count, 36] });
  return { y, model: linearModel(weights, bias, shape) };
}

const eps: Readonly<Record<Norm, number>> = {
  linf: 0.3,
  l2: 1.5,
  l1: 8,
  l0: 12,
  none: Number.POSITIVE_INFINITY,
};
/** As few as an attack takes, where its own are slow. */
const quick: Readonly<Record<string, Record<string, unknown>>> = {
  autoattack: { steps: 10, queries: 50 },
  "cw-l2": { binarySearchSteps: 5, maxIterations: 100 },
  "cw-l0": { initialConst: 5, maxIterations: 15, largestConst: 30 },
  "cw-linf": { initialConst: 1, maxIterations: 30 },
  ead: { maxIterations: 50 },
  zoo: { binarySearchSteps: 3, maxIterations: 20, learningRate: 0.1 },
  "one-pixel": { population: 30, generations: 10 },
  spatial: { angles: 3, shifts: 3 },
  boundary: { steps: 200 },
  hopskipjump: { iterations: 3 },
  geoda: { queries: 300 },
  moeva: { generations: 10, population: 20, offspring: 20 },
  caa: { generations: 5, population: 20, offspring: 20 },
  nes: { queries: 1000, stepSize: 0.05 },
  spsa: { steps: 20, learningRate: 0.05 },
  simba: { steps: 72 },
  square: { queries: 300 },
  patch: { steps: 20, share: 0.3 },
};

const searching = attacks.filter((a) => a.access !== "base");

describe.each(searching.map((a) => [a.id, a] as const))("%s", (id, unit) => {
  const norm = unit.norms[0]!;

  test.each([2, 3])(
    "works with %d classes, and says where its loss is another",
    async (classes) => {
      const { y, model } = scene(classes);
      const { logits, notes } = await attacked(
        id,
        model,
        { x, y },
        { norm, eps: eps[norm], params: quick[id] },
      );
      const broken = argmaxRows(logits).filter((p, i) => p !== y[i]).length;
      // Whoever searches finds some. Nobody does in noise and in what
      // happens by itself.
      if (unit.family !== "control" && norm !== "none")
        expect(broken).toBeGreaterThan(0);
      // AutoAttack's members say so where they come to be asked; see its own test.
      if (id === "autoattack") return;
      const needs = { "apgd-dlr": 3, "apgd-t": 4 }[id] ?? 0;
      expect(notes.length).toBe(classes < needs ? 1 : 0);
      for (const note of notes)
        expect(note).toContain(`needs ${needs} classes`);
    },
  );

  test("finds nothing where there is one class, or says what it needs", async () => {
    const { y, model } = scene(1);
    const run = attacked(
      id,
      model,
      { x, y },
      { norm, eps: eps[norm], params: quick[id] },
    );
    await run.then(
      ({ distances, examples }) => {
        expect(distances.some(Number.isFinite)).toBe(false);
        expect(examples.dims).toEqual(x.dims);
      },
      (error) => {
        expect(error).toBeInstanceOf(AssayError);
        expect(error.message).toContain("needs 2 classes");
      },
    );
  });
});

test.each(["random", "least-likely"])(
  "one class has no other to aim at (%s)",
  async (targeted) => {
    const { y, model } = scene(1);
    await expect(
      attacked(
        "pgd",
        model,
        { x, y },
        { norm: "linf", eps: 0.1, params: { targeted } },
      ),
    ).rejects.toThrow("another class");
  },
);
