import { expect, test } from "vitest";
import { type Backdoor, trialAttacks } from "#attacks";
import { Random } from "#core";
import { dataset } from "#data";
import { onnxruntime } from "#engine";
import { floats } from "#onnx";
import { bicubic } from "../../attacks/backdoor/bicubic.ts";

const SIDE = 8;
const grey = dataset(
  "grey",
  floats([6, 1, SIDE, SIDE], new Float32Array(6 * SIDE * SIDE).fill(0.5)),
  Int32Array.from([0, 1, 1, 1, 1, 1]),
  ["a", "b"],
);

/** What an attack makes of grey images: the trigger, and the data that it leaves. */
async function onGrey(id: string, params: Record<string, unknown> = {}) {
  const unit = trialAttacks.find((a) => a.id === id) as Backdoor;
  const planted = await unit.plant({
    train: grey,
    count: 2,
    target: 0,
    base: null,
    source: null,
    params: unit.params.parse(params),
    random: new Random(1),
    engine: onnxruntime,
    surrogate: () => Promise.reject(new Error("it is not asked for")),
    once: (_name, make) => make(),
  });
  if (!("train" in planted.changes)) throw new Error("it changes the data");
  return { ...planted, train: planted.changes.train };
}

const image = (data: Float32Array, row: number) =>
  data.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE);

test("enlarges as PyTorch's bicubic interpolation with aligned corners does", () => {
  const values = [0, 2, 4, 1, 3, 0, 2, 4, 1, 3, 0, 2, 4, 1, 3, 0];
  const large = bicubic(values, 4, 5, 6);
  const torch = [
    0, 1.008, 2.616, 3.984, 3.052, 1, 2.53125, 0.792844, 0.330844, 2.078532,
    3.273485, 3.53125, 2, 1.798625, 1.211, 0.407751, 1.566376, 3.46875, 1.46875,
    2.580813, 2.554906, 0.840406, 0.546609, 1.335938, 4, 1.948, 1.136, 2.864,
    2.052, 0,
  ];
  for (const [i, v] of torch.entries()) expect(large[i]).toBeCloseTo(v, 5);
});

test("BadNets' square lies in the lower right corner, SIG's wave along the columns", async () => {
  const { trigger } = await onGrey("badnets", { size: 2, margin: 1 });
  const marked = trigger(grey.x).data;
  for (let r = 0; r < SIDE; r++)
    for (let c = 0; c < SIDE; c++)
      expect(marked[r * SIDE + c]).toBe(
        [5, 6].includes(r) && [5, 6].includes(c) ? 1 : 0.5,
      );
  const wave = await onGrey("sig", { delta: 0.25, frequency: 1 });
  const first = wave.trigger(grey.x).data;
  for (let c = 0; c < SIDE; c++)
    expect(first[3 * SIDE + c]).toBeCloseTo(
      0.5 + 0.25 * Math.sin((2 * Math.PI * c) / SIDE),
      6,
    );
});

test("adaptive backdoors plant parts of the trigger that are weaker than it", async () => {
  const changes = (data: Float32Array) =>
    Float32Array.from(data, (v) => Math.abs(v - 0.5));
  for (const id of ["adaptive-blend", "adaptive-patch"]) {
    const { trigger, train, poisons, covers } = await onGrey(id);
    const whole = changes(image(trigger(grey.x).data, 0));
    for (const row of [...poisons, ...covers]) {
      const part = changes(image(train.x.data, row));
      expect(part.every((v, at) => v <= whole[at]!)).toBe(true);
      const [own, all] = [part, whole].map(
        (c) => c.filter((v) => v > 0).length,
      );
      expect(own).toBeGreaterThan(0);
      expect(own).toBeLessThanOrEqual((all as number) / 2);
    }
  }
});

test("WaNet moves pixels by a share of one, and has twice as many covers as poisons", async () => {
  const unit = await onGrey("wanet");
  // A ramp shows where each pixel came from.
  const ramp = floats(
    [1, 1, SIDE, SIDE],
    Float32Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE) / SIDE),
  );
  const moved = unit
    .trigger(ramp)
    .data.map((v, i) => SIDE * Math.abs(v - ramp.data[i]!));
  const mean = moved.reduce((sum, v) => sum + v / moved.length, 0);
  // strength / height of [-1, 1] is (width - 1) / 2 of that in pixels.
  expect(mean).toBeGreaterThan(0.05);
  expect(mean).toBeLessThan((0.5 / SIDE) * ((SIDE - 1) / 2) * 1.5);
  expect(unit.covers).toHaveLength(2 * unit.poisons.length);
});
