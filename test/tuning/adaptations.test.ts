import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, layerGroups, type Model } from "#model";
import { type FloatTensor, floats } from "#onnx";
import {
  type Adaptation,
  adaptations,
  type BatchGradient,
  type JointAdaptation,
  openStep,
  type TrainingContext,
  type TrainingPart,
} from "#tuning";
import {
  linearModel,
  normalised,
  reference,
  settings,
  smallDigits,
} from "../reference.ts";
import { differencesPart } from "./differences.ts";

const of = (id: string) => adaptations.find((a) => a.id === id) as Adaptation;

const WIDTH = 4;
/** Its features are its inputs. */
const linear = linearModel(
  [
    [0.3, -0.2, 0.5, 0.1],
    [-0.4, 0.2, 0.1, 0.3],
  ],
  [0, 0],
);

const random = new Random(3);
const rows = (n: number, change = (v: number) => v) =>
  Array.from({ length: n * WIDTH }, () => change(random.uniform()));

function joint(id: string, params: object, target: readonly number[]) {
  const unit = of(id) as JointAdaptation;
  const x = floats([target.length / WIDTH, WIDTH], target);
  const data = dataset("target", x, new Int32Array(x.dims[0] ?? 0), ["a", "b"]);
  return unit.open(
    unit.params.parse(params),
    { model: linear, random: new Random(1) } as TrainingContext,
    data,
  );
}

/** Records of one step on given rows of both domains, without moving anything. */
async function recorded(
  part: TrainingPart,
  source: readonly number[],
  target: readonly number[],
  more: TrainingPart[] = [],
  feeds?: Record<string, number>,
): Promise<Pick<BatchGradient, "records">> {
  const n = source.length / WIDTH;
  const step = await openStep(
    linear,
    new Map([["head.weight", 1]]),
    { settings: settings({ optimizer: "sgd" }), parts: [part, ...more] },
    onnxruntime,
  );
  const found = await step.take(
    {
      x: floats([n, WIDTH], source),
      y: Int32Array.from({ length: n }, (_, i) => i % 2),
      views: { target: floats([n, WIDTH], target) },
      ...(feeds ? { feeds } : {}),
    },
    0,
  );
  await step.release();
  return found;
}

describe("Deep CORAL", () => {
  const source = rows(8);
  const at = async (target: readonly number[]) =>
    (await recorded(joint("coral", {}, target), source, target)).records
      .CORAL as number;

  test("equal domains are no distance apart", async () => {
    expect(await at(source)).toBeCloseTo(0, 8);
  });

  test("features of s times the size: (s^2 - 1)^2 |C|^2 / (4 d^2)", async () => {
    const s = 1.5;
    const mean = Array.from({ length: WIDTH }, (_, k) =>
      source.reduce((sum, v, i) => (i % WIDTH === k ? sum + v / 8 : sum), 0),
    );
    let squares = 0;
    for (let a = 0; a < WIDTH; a++)
      for (let b = 0; b < WIDTH; b++) {
        let sum = 0;
        for (let i = 0; i < 8; i++)
          sum +=
            (source[i * WIDTH + a]! - mean[a]!) *
            (source[i * WIDTH + b]! - mean[b]!);
        squares += (sum / 7) ** 2;
      }
    const expected = ((s * s - 1) ** 2 * squares) / (4 * WIDTH ** 2);
    const found = await at(source.map((v) => s * v));
    expect(found / expected).toBeCloseTo(1, 4);
  });
});

describe("MMD", () => {
  const source = rows(16);
  const at = async (target: readonly number[]) =>
    (await recorded(joint("mmd", {}, target), source, target)).records
      .MMD as number;

  test("is the direct sum over pairs", async () => {
    const target = rows(16, (v) => v + 0.4);
    const n = 16;
    const row = (all: readonly number[], i: number) =>
      all.slice(i * WIDTH, (i + 1) * WIDTH);
    const d2 = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, v, k) => sum + (v - b[k]!) ** 2, 0);
    const all = (x: readonly number[], y: readonly number[]) =>
      Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => d2(row(x, i), row(y, j))),
      );
    const [ss, tt, st] = [
      all(source, source),
      all(target, target),
      all(source, target),
    ];
    const mean = (m: number[][]) =>
      m.flat().reduce((a, b) => a + b, 0) / (n * n);
    const width = (mean(ss) + mean(tt) + 2 * mean(st)) / 4;
    const k = (d: number) =>
      [-3, -2, -1, 0, 1].reduce(
        (sum, p) => sum + Math.exp(-d / (2 * 2 ** p * width)),
        0,
      );
    const sum = (m: number[][], own: boolean) =>
      m.reduce(
        (total, line, i) =>
          total + line.reduce((s, d, j) => (own && i === j ? s : s + k(d)), 0),
        0,
      );
    const expected =
      (sum(ss, true) + sum(tt, true)) / (n * (n - 1)) -
      (2 * sum(st, false)) / (n * n);
    expect(await at(target)).toBeCloseTo(expected, 4);
  });

  test("grows with the shift", async () => {
    const shifted = [];
    for (const by of [0.1, 0.4, 1])
      shifted.push(await at(source.map((v) => v + by)));
    expect(shifted[0]).toBeLessThan(shifted[1]!);
    expect(shifted[1]).toBeLessThan(shifted[2]!);
  });
});

test("the gradient of CORAL agrees with differences", async () => {
  const model = await reference();
  const { train } = await smallDigits();
  const unit = of("coral") as JointAdaptation;
  const x = {
    ...train.x,
    dims: [12, ...train.x.dims.slice(1)],
    data: train.x.data.slice(0, 12 * 64),
  };
  const part = unit.open(
    unit.params.parse({ lambda: 30 }),
    { model, random: new Random(1) } as TrainingContext,
    train,
  );
  const step = await openStep(
    model,
    new Map([["hidden.weight", 1]]),
    {
      settings: settings({ optimizer: "sgd" }),
      parts: [
        part,
        differencesPart(new Random(5), {
          tolerance: 0.03,
        }),
      ],
    },
    onnxruntime,
  );
  await step.take(
    {
      x,
      y: train.y.slice(0, 12),
      views: { target: { ...x, data: x.data.map((v) => 1 - v) } },
    },
    0,
  );
  await step.release();
});

describe("DANN", () => {
  test("the features get the domain loss's gradient times -lambda, the discriminator its own", async () => {
    const model = await reference();
    const { train } = await smallDigits();
    const x = {
      ...train.x,
      dims: [6, ...train.x.dims.slice(1)],
      data: train.x.data.slice(0, 6 * 64),
    };
    const gradients = async (lambda: number) => {
      const unit = of("dann") as JointAdaptation;
      const part = unit.open(
        unit.params.parse({ hidden: 5 }),
        { model, random: new Random(1) } as TrainingContext,
        train,
      );
      let seen: BatchGradient | undefined;
      const spy: TrainingPart = {
        // The classification loss is taken away, so that only the domain loss is left.
        loss: (g, loss) => g.b.sub(loss, g.b.op("ReduceMean", [g.each()])),
        async gradient(batch, at) {
          seen = await at(batch);
          return seen;
        },
      };
      const step = await openStep(
        model,
        new Map([["hidden.weight", 1]]),
        { settings: settings({ optimizer: "sgd" }), parts: [part, spy] },
        onnxruntime,
      );
      await step.take(
        {
          x,
          y: train.y.slice(0, 6),
          views: { target: { ...x, data: x.data.map((v) => 1 - v) } },
          feeds: { "DANN weight": lambda },
        },
        0,
      );
      await step.release();
      return seen as BatchGradient;
    };
    const [reversed, plain] = [await gradients(0.5), await gradients(-1)];
    const own = reversed.gradients.get("hidden.weight") as Float32Array;
    const other = plain.gradients.get("hidden.weight") as Float32Array;
    const scale = Math.max(...other.map(Math.abs));
    expect(scale).toBeGreaterThan(0);
    own.forEach((g, i) => {
      expect(g).toBeCloseTo(-0.5 * other[i]!, 5);
    });
    const name = [...reversed.gradients.keys()].find((k) =>
      k.includes("domain.weight2"),
    ) as string;
    expect(reversed.gradients.get(name)).toEqual(plain.gradients.get(name));
  });

  test("its weight rises from 0 to lambda", () => {
    const part = joint("dann", { lambda: 2 }, rows(4));
    const weightAt = async (progress: number) => {
      const batch = { x: floats([1, WIDTH], rows(1)), y: new Int32Array(1) };
      const ready = await part.prepare?.(batch, {
        progress,
        batchRandom: new Random(1),
      } as never);
      return ready?.feeds?.["DANN weight"];
    };
    return Promise.all([weightAt(0), weightAt(0.1), weightAt(1)]).then(
      ([begin, early, end]) => {
        expect(begin).toBe(0);
        expect(early).toBeCloseTo(2 * (2 / (1 + Math.exp(-1)) - 1), 6);
        expect(end).toBeCloseTo(2, 3);
      },
    );
  });
});

describe("without a source", () => {
  const adapt = async (id: string, model: Model, seed = 1) => {
    const unit = of(id);
    if (unit.kind !== "source-free") throw new Error(id);
    const { train } = await smallDigits();
    const inverted = dataset(
      "inverted",
      { ...train.x, data: train.x.data.map((v) => 1 - v) },
      // No label may matter.
      new Int32Array(train.y.length),
      train.classes,
    );
    const input = {
      model,
      target: inverted,
      engine: onnxruntime,
      random: new Random(seed),
    };
    return {
      inverted,
      ...(await unit.adapt(
        input,
        unit.params.parse({
          ...(id === "tent" ? { batchSize: 60, epochs: 2 } : {}),
        }),
      )),
    };
  };

  test("AdaBN: every layer's input has the statistics that it states", async () => {
    const { model, inverted } = await adapt(
      "adabn",
      normalised(await reference()),
    );
    const norm = model.graph.nodes.filter((n) => n.op === "BatchNormalization");
    for (const { inputs } of norm) {
      const [value = "", , , mean = "", variance = ""] = inputs;
      const session = await onnxruntime.load({
        ...model.graph,
        outputs: [{ name: value, type: "float32" }],
      });
      const seen = (await session.run({ [model.input]: inverted.x }))[
        value
      ] as FloatTensor;
      await session.release();
      const [n = 0, channels = 0, height = 0, width = 0] = seen.dims;
      const size = height * width;
      for (const c of [0, channels - 1]) {
        const values = Array.from(
          { length: n * size },
          (_, k) =>
            seen.data[
              (Math.floor(k / size) * channels + c) * size + (k % size)
            ]!,
        );
        const average = values.reduce((a, b) => a + b, 0) / values.length;
        const spread =
          values.reduce((s, v) => s + (v - average) ** 2, 0) / values.length;
        const stated = (name: string) =>
          (model.graph.constants.get(name) as FloatTensor).data[c];
        expect(stated(mean)).toBeCloseTo(average, 4);
        expect(stated(variance)).toBeCloseTo(spread, 4);
      }
    }
  });

  test("Tent lowers the entropy, and trains scales and shifts only", async () => {
    const base = normalised(await reference());
    const { model, history } = await adapt("tent", base);
    expect(history.length).toBe(2);
    expect(history.at(-1)?.best).toBe(true);
    for (const [name, value] of base.graph.constants)
      if (!name.includes(".norm."))
        expect(model.graph.constants.get(name), name).toBe(value);
    expect(model.graph.constants.get("conv1.norm.weight")).not.toEqual(
      base.graph.constants.get("conv1.norm.weight"),
    );
    expect((history[1]?.trainLoss ?? 9) < (history[0]?.trainLoss ?? 0)).toBe(
      true,
    );
  });

  test.each(["adabn", "tent"])("%s needs batch normalisation", async (id) => {
    await expect(adapt(id, await reference())).rejects.toMatchObject({
      code: "ADAPTATION_LAYERS",
    });
  });

  test.each(["adabn", "tent"])(
    "%s gives the same bytes for the same seed",
    async (id) => {
      const base = normalised(await reference());
      const [one, two] = [await adapt(id, base), await adapt(id, base)];
      for (const { parameters } of layerGroups(one.model.graph))
        for (const p of parameters)
          expect(two.model.graph.constants.get(p)).toEqual(
            one.model.graph.constants.get(p),
          );
      const compiled = await compile(one.model, onnxruntime);
      const { data } = await compiled.logits(one.inverted.x);
      await compiled.release();
      expect(data.every(Number.isFinite)).toBe(true);
    },
  );
});
