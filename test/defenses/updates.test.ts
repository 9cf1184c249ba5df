import fc from "fast-check";
import { expect, test } from "vitest";
import { packagePath, Random } from "#core";
import { loadDataset, splitDataset } from "#data";
import { type Repair, repairs } from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import {
  difference,
  inner,
  type Matrix,
  ofFirst,
  product,
  scaled,
  transposed,
  withAdded,
} from "../../defenses/repair/update.ts";
import { runs } from "../runs.ts";

const base = await loadModel(packagePath("suites/language/base.onnx"));
const all = await loadDataset({ source: "policy", answers: "aligned" }, ".");
const { train } = splitDataset(
  all,
  { train: 1, validation: 0, test: 0 },
  new Random(1),
);
const NAME = "block2.mlp.in.weight";
const [OUT, IN] = [384, 96];

const drawn = (rows: number, columns: number, seed: string): Matrix => {
  const random = new Random(seed);
  const data = Float64Array.from({ length: rows * columns }, () =>
    random.normal(),
  );
  return { rows, columns, data };
};

const moved = (from: Model, by: Matrix) =>
  withAdded(from, new Map([[NAME, by]]));

/** An alignment of rank 2, and what a training added to it. */
const alignment = scaled(product(drawn(OUT, 2, "u"), drawn(2, IN, "v")), 0.02);
const update = scaled(drawn(OUT, IN, "update"), 0.01);
const released = moved(base, alignment);
const trained = moved(released, update);

async function restored(id: string, params: object, model = trained) {
  const unit = repairs.find((r) => r.id === id) as Repair & { kind: "restore" };
  const found = await unit.restore({
    ...{ model, released, base, own: train, engine: onnxruntime },
    params: unit.params.parse(params),
    random: new Random(1),
  });
  return difference(found, released, NAME);
}

const lengthOf = (m: Matrix) => Math.sqrt(inner(m, m));

const expectSame = (a: Matrix, b: Matrix, tolerance = 1e-4) => {
  expect([a.rows, a.columns]).toEqual([b.rows, b.columns]);
  const apart = { ...a, data: a.data.map((v, i) => v - b.data[i]!) };
  expect(lengthOf(apart)).toBeLessThan(tolerance * lengthOf(b) + 1e-9);
};

test("Safe LoRA as published multiplies an update by V V' over the length of V", async () => {
  const found = await restored("safe-lora", { threshold: 1 });
  const c = scaled(
    product(alignment, transposed(alignment)),
    1 / lengthOf(alignment),
  );
  expectSame(found, product(c, update));
});

test("it leaves layers alone whose update lies where the alignment does", async () => {
  const along = scaled(alignment, 0.5);
  const found = await restored("safe-lora", {}, moved(released, along));
  expectSame(found, along);
});

test("a true projector keeps what lies in its span, takes what stands on it, and is done once", async () => {
  const whole = { threshold: 1, projector: true, rank: 2 };
  const along = product(drawn(OUT, OUT, "mix"), alignment);
  const inside = ofFirst(alignment, 2, new Random(3))(along);
  const kept = await restored(
    "safe-lora",
    whole,
    moved(released, scaled(inside, 0.01)),
  );
  expectSame(kept, scaled(inside, 0.01));
  const once = await restored("safe-lora", whole);
  const twice = await restored("safe-lora", whole, moved(released, once));
  expectSame(twice, once);
  // What is taken away stands on what is left.
  const gone = { ...once, data: update.data.map((v, i) => v - once.data[i]!) };
  expect(Math.abs(inner(gone, once))).toBeLessThan(
    1e-3 * inner(update, update),
  );
  expect(lengthOf(once)).toBeLessThan(0.2 * lengthOf(update));
});

test("the first singular vectors are those of a matrix that is made of them", () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 4 }), (seed, rank) => {
      const v = product(
        drawn(12, rank, `u${seed}`),
        drawn(rank, 9, `v${seed}`),
      );
      const project = ofFirst(v, rank, new Random(seed));
      expectSame(project(v), v, 1e-6);
      const m = drawn(12, 5, `m${seed}`);
      expectSame(project(project(m)), project(m), 1e-6);
    }),
    runs(20),
  );
});

test("LoX adds the alignment once more where that has no more directions", async () => {
  const unit = repairs.find((r) => r.id === "lox") as Repair & { kind: "mend" };
  const mended = await unit.mend({
    ...{ model: released, base, clean: train, engine: onnxruntime },
    params: unit.params.parse({}),
    random: new Random(1),
  });
  expectSame(difference(mended, released, NAME), scaled(alignment, 1.25));
  for (const [name, { data }] of released.graph.constants)
    if (name !== NAME)
      expect(mended.graph.constants.get(name)?.data).toBe(data);
});

test("Antidote takes the share of an update that counts most, and no other number", async () => {
  const found = await restored("antidote", { share: 0.1, samples: 32 });
  const gone = found.data.filter((v) => Math.abs(v) < 1e-9).length;
  expect(gone).toBe(Math.round((OUT * IN) / 10));
  for (const [i, v] of found.data.entries())
    if (Math.abs(v) >= 1e-9) expect(v).toBeCloseTo(update.data[i]!, 6);
  const all = await restored("antidote", { share: 1, samples: 32 });
  expect(lengthOf(all)).toBeLessThan(1e-5);
});

test("random noise is as long as the change, and where there was none", async () => {
  const found = await restored("random-perturbation", { scale: 2 });
  const noise = {
    ...found,
    data: found.data.map((v, i) => v - update.data[i]!),
  };
  expect(lengthOf(noise) / lengthOf(update)).toBeCloseTo(2, 3);
  const unit = repairs.find((r) => r.id === "random-perturbation") as Repair & {
    kind: "restore";
  };
  const same = await unit.restore({
    ...{ model: released, released, base, own: train, engine: onnxruntime },
    params: unit.params.parse({}),
    random: new Random(1),
  });
  for (const [name, { data }] of released.graph.constants)
    expect((same.graph.constants.get(name) as FloatTensor).data).toBe(data);
});
