import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { dataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import { type FloatTensor, floats } from "#onnx";
import {
  augmentations,
  type BatchGradient,
  regularizers,
  type TrainingContext,
  type TrainingPart,
  tune,
} from "#tuning";
import { beta } from "../../src/tuning/augmentations/beta.ts";
import { weighted } from "../../src/tuning/class-weights.ts";
import { byTemperature } from "../../src/tuning/sampling.ts";
import { settings, smallDigits, untrained } from "../reference.ts";

function opened(
  id: string,
  params: object,
  shape: readonly number[],
): TrainingPart {
  const unit = augmentations.find((a) => a.id === id);
  const model = { ...untrained(), contract: { shape, bounds: [0, 1] } };
  return unit?.open(unit.params.parse(params), {
    model,
    engine: onnxruntime,
  } as unknown as TrainingContext) as TrainingPart;
}

const moment = (n: number, seed = 1) =>
  ({
    random: Array.from({ length: n }, (_, i) => new Random(seed).fork(i)),
    batchRandom: new Random(seed),
  }) as never;

test("a flip mirrors rows, in every channel", async () => {
  const part = opened("flip", { probability: 1 }, [2, 1, 3]);
  const x = floats([1, 2, 1, 3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
  const seen = await part.prepare?.({ x, y: new Int32Array(1) }, moment(1));
  expect(Array.from(seen?.x.data ?? [])).toEqual(
    Array.from(Float32Array.from([0.3, 0.2, 0.1, 0.6, 0.5, 0.4])),
  );
});

test("a crop is a shift with black behind it, and all shifts come up", async () => {
  const part = opened("crop", { padding: 1 }, [1, 3, 3]);
  const image = Array.from({ length: 9 }, (_, i) => (i + 1) / 10);
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const x = floats([1, 1, 3, 3], image);
    const after = await part.prepare?.(
      { x, y: new Int32Array(1) },
      moment(1, seed),
    );
    seen.add(Array.from(after?.x.data ?? [], (v) => v.toFixed(1)).join());
  }
  expect(seen.size).toBe(9);
  expect(seen).toContain("0.0,0.0,0.0,0.0,0.1,0.2,0.0,0.4,0.5");
  expect(seen).toContain("0.5,0.6,0.0,0.8,0.9,0.0,0.0,0.0,0.0");
});

test("mixup blends labels by the share by which it blends inputs", async () => {
  const part = opened("mixup", { alpha: 1 }, [2]);
  const after = await part.prepare?.(
    {
      x: floats([2, 2], [1, 0, 0, 1]),
      y: Int32Array.of(0, 1),
      targets: floats([2, 2], [1, 0, 0, 1]),
    },
    moment(2, 4),
  );
  expect(after?.targets?.data).toEqual(after?.x.data);
});

test("CutMix blends labels by area", async () => {
  const part = opened("cutmix", {}, [1, 4, 4]);
  let mixed = 0;
  for (let seed = 0; seed < 30; seed++) {
    const x = floats(
      [2, 1, 4, 4],
      Array.from({ length: 32 }, (_, i) => (i < 16 ? 0 : 1)),
    );
    const after = await part.prepare?.(
      { x, y: Int32Array.of(0, 1), targets: floats([2, 2], [1, 0, 0, 1]) },
      moment(2, seed),
    );
    const ones = (after?.x.data ?? []).slice(0, 16).filter((v) => v === 1);
    expect(after?.targets?.data[1]).toBeCloseTo(ones.length / 16, 6);
    if (ones.length > 0 && ones.length < 16) mixed++;
  }
  expect(mixed).toBeGreaterThan(5);
});

test("Beta has its mean and variance", () => {
  const random = new Random(9);
  for (const [a, b] of [
    [0.2, 0.2],
    [1, 1],
    [2, 5],
  ] as const) {
    const draws = Array.from({ length: 4000 }, () => beta(a, b, random));
    const mean = draws.reduce((s, v) => s + v, 0) / draws.length;
    const variance =
      draws.reduce((s, v) => s + (v - mean) ** 2, 0) / draws.length;
    const expected = (a * b) / ((a + b) ** 2 * (a + b + 1));
    expect(Math.abs(mean - a / (a + b))).toBeLessThan(
      4 * Math.sqrt(expected / draws.length),
    );
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.1);
  }
});

const weights = (...values: number[]) =>
  new Map([["w", floats([values.length], values)]]);

async function regularised(
  id: string,
  params: object,
  at: ReadonlyMap<string, FloatTensor>,
  start: FloatTensor | undefined,
): Promise<BatchGradient> {
  const unit = regularizers.find((r) => r.id === id);
  const part = unit?.open(
    unit.params.parse(params),
    { trained: ["w"] } as unknown as TrainingContext,
    () => start,
  );
  return (await part?.gradient?.(
    {} as never,
    async () => ({
      loss: 1,
      gradients: new Map([
        ["w", new Float32Array(at.get("w")?.data.length ?? 0)],
      ]),
      records: {},
      statistics: new Map(),
    }),
    at,
  )) as BatchGradient;
}

describe("L2-SP", () => {
  test("is nothing at the base, and alpha times the way from there elsewhere", async () => {
    const params = { alpha: 0.5, beta: 0.1 };
    const base = floats([2], [1, 2]);
    const still = await regularised("l2-sp", params, weights(1, 2), base);
    expect(still.loss).toBe(1);
    expect(Array.from(still.gradients.get("w") ?? [])).toEqual([0, 0]);
    const away = await regularised("l2-sp", params, weights(3, 2), base);
    expect(Array.from(away.gradients.get("w") ?? [])).toEqual([1, 0]);
    expect(away.loss).toBe(1 + (0.5 / 2) * 4);
  });

  test("pulls new weights to zero by beta", async () => {
    const found = await regularised(
      "l2-sp",
      { alpha: 0.5, beta: 0.25 },
      weights(4, -2),
      undefined,
    );
    expect(Array.from(found.gradients.get("w") ?? [])).toEqual([1, -0.5]);
  });
});

test("decay towards the base moves by rate times decay of the way back", () => {
  const unit = regularizers.find((r) => r.id === "decay-to-base");
  const part = unit?.open(
    unit.params.parse({ decay: 0.5 }),
    {} as TrainingContext,
    (name) => (name === "w" ? floats([2], [0, 1]) : undefined),
  );
  const own = new Map([...weights(2, 1), ["new", floats([1], [7])]]);
  part?.moved?.(own, () => 0.1);
  expect(own.get("w")?.data[0]).toBeCloseTo(1.9, 6);
  expect(own.get("w")?.data[1]).toBe(1);
  expect(own.get("new")?.data[0]).toBe(7);
});

async function trainedWith(
  stated: object,
  parts?: Parameters<typeof tune>[0]["parts"],
  few?: number,
) {
  const all = await smallDigits();
  const train = few ? unbalanced(all.train, few) : all.train;
  const model: Model = { ...untrained(), classes: train.classes };
  const groups = layerGroups(model.graph);
  const stages = [
    { epochs: 4, rates: new Map(groups.map((g) => [g.name, 1])) },
  ];
  return tune({
    model,
    ...all,
    train,
    groups,
    stages,
    parts,
    settings: settings({ learningRate: 3e-3, ...stated }),
    engine: onnxruntime,
    random: new Random(1),
  });
}

/** All samples of class 0, and a few of each other. */
function unbalanced(
  data: Awaited<ReturnType<typeof smallDigits>>["train"],
  few: number,
) {
  const seen = new Map<number, number>();
  return takeSamples(
    data,
    Array.from(data.y.keys()).filter((i) => {
      const k = data.y[i]!;
      seen.set(k, (seen.get(k) ?? 0) + 1);
      return k === 0 || (seen.get(k) as number) <= few;
    }),
  );
}

test("a training with every augmentation learns, and equal weights change nothing", async () => {
  const augment = ["crop", "rotate", "colour", "mixup"];
  const { history } = await trainedWith({
    augment: [{ id: "crop", padding: 1 }, ...augment.slice(1)],
  });
  expect(history.at(-1)?.trainLoss).toBeLessThan(history[0]?.trainLoss ?? 0);
  const [plain, equal] = [
    await trainedWith({}),
    await trainedWith({ classWeights: { "0": 1, "3": 1 } }),
  ];
  equal.history.forEach((e, i) => {
    expect(e.trainLoss).toBeCloseTo(plain.history[i]?.trainLoss ?? 0, 3);
  });
});

test("temperature draws every class alike when it is high, and as it is at 1", async () => {
  const { train } = await smallDigits();
  const few = unbalanced(train, 4);
  const drawn = (temperature: number) => {
    const part = byTemperature(temperature, few)({} as TrainingContext);
    const rows = part.draw?.(few.y.length, 5000, new Random(2)) ?? [];
    const zero = rows.filter((i) => few.y[i] === 0).length / 5000;
    expect(rows.every((i) => i >= 0 && i < few.y.length)).toBe(true);
    return zero;
  };
  const share = few.y.filter((k) => k === 0).length / few.y.length;
  expect(Math.abs(drawn(1) - share)).toBeLessThan(0.03);
  expect(Math.abs(drawn(1e9) - 0.2)).toBeLessThan(0.03);
});

test("balanced weights give rare classes their say; strangers and several labels are refused", async () => {
  const { train } = await smallDigits();
  const few = unbalanced(train, 4);
  const feeds = await weighted(
    "balanced",
    few,
  )({} as TrainingContext).prepare?.(
    { x: few.x, y: few.y },
    moment(few.y.length),
  );
  const fed = feeds?.feeds?.["class weight"] as FloatTensor | undefined;
  const given = fed?.data ?? [];
  const totals = new Map<number, number>();
  few.y.forEach((k, i) => {
    totals.set(k, (totals.get(k) ?? 0) + given[i]!);
  });
  for (const total of totals.values())
    expect(total).toBeCloseTo(few.y.length / 5, 3);
  const stranger = new Map([["nine", 2]]);
  expect(() => weighted(stranger, few)({} as TrainingContext)).toThrow(
    'classWeights names "nine"',
  );
  const several = dataset("several", few.x, few.y, few.classes, few.x);
  expect(() => weighted("balanced", several)({} as TrainingContext)).toThrow(
    "needs samples of one class each",
  );
});
