import { expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import { type FloatTensor, floats, int } from "#onnx";
import {
  type Batch,
  type BatchGradient,
  distributionCriterion,
  openStep,
  sampleOf,
  squareCriterion,
  type TrainingPart,
  tune,
} from "#tuning";
import { linearModel, settings } from "../reference.ts";
import { differencesPart } from "./differences.ts";
import { smooth } from "./smooth.ts";

const W = [
  [0.5, -0.2, 0.1],
  [-0.3, 0.4, 0.2],
];
const B = [0.05, -0.05];
const batch: Batch = {
  x: floats([2, 3], [0.2, 0.7, 0.1, 0.9, 0.3, 0.5]),
  y: Int32Array.of(0, 1),
};

const sgd = settings({ optimizer: { id: "sgd", momentum: 0 } });

/** The first gradient of a training by these parts, and the weights after its step. */
async function first(
  parts: TrainingPart[],
  given: Batch = batch,
  model: Model = linearModel(W, B),
) {
  let seen: BatchGradient | undefined;
  const spy: TrainingPart = {
    async gradient(b, at) {
      seen = await at(b);
      return seen;
    },
  };
  const names = layerGroups(model.graph).flatMap((g) => g.parameters);
  const step = await openStep(
    model,
    new Map(names.map((n) => [n, 1])),
    { settings: sgd, parts: [spy, ...parts] },
    onnxruntime,
  );
  await step.take(given, 1);
  await step.release();
  return { ...(seen as BatchGradient), step };
}

const logits = (x: FloatTensor): number[][] =>
  Array.from({ length: x.dims[0]! }, (_, n) =>
    W.map((r, k) =>
      r.reduce((s, v, i) => s + v * x.data[3 * n + i]!, B[k] ?? 0),
    ),
  );
const logSoftmax = (z: number[]) => {
  const total = Math.log(z.reduce((s, v) => s + Math.exp(v), 0));
  return z.map((v) => v - total);
};

test("views go through the model beside the batch, and each gets its own rows", async () => {
  const other = floats([2, 3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
  const { records } = await first(
    [
      {
        views: ["other"],
        loss(g, loss) {
          for (const view of [undefined, "other"])
            g.record(
              `sum ${view}`,
              g.b.reduceSum(g.rows(g.model.logits, view)),
            );
          g.record("other's", g.b.reduceSum(g.each("other")));
          return loss;
        },
      },
    ],
    { ...batch, views: { other } },
  );
  const sum = (x: FloatTensor) =>
    logits(x)
      .flat()
      .reduce((s, v) => s + v);
  expect(records["sum undefined"]).toBeCloseTo(sum(batch.x), 5);
  expect(records["sum other"]).toBeCloseTo(sum(other), 5);
  const loss = logits(other).map((z, n) => -logSoftmax(z)[batch.y[n]!]!);
  expect(records["other's"]).toBeCloseTo((loss[0] ?? 0) + (loss[1] ?? 0), 5);
});

test("parts add terms in order, from what a batch feeds", async () => {
  const { loss } = await first(
    [
      {
        loss: (g) => g.b.reduceSum(g.b.mul(g.each(), g.feed("weight"))),
      },
      { loss: (g, before) => g.b.mul(before, g.scalar("lambda")) },
    ],
    { ...batch, feeds: { weight: floats([2], [2, 3]), lambda: 0.5 } },
  );
  const each = logits(batch.x).map((z, n) => -logSoftmax(z)[batch.y[n]!]!);
  expect(loss).toBeCloseTo(0.5 * (2 * (each[0] ?? 0) + 3 * (each[1] ?? 0)), 5);
});

test("what is declared must be fed", async () => {
  const part: TrainingPart = { loss: (g) => g.scalar("lambda") };
  await expect(
    first([{ loss: (g, loss) => g.b.mul(loss, g.scalar("lambda")) }]),
  ).rejects.toMatchObject({ code: "TRAINING_FEED" });
  await expect(first([part, { views: ["a"] }])).rejects.toThrow();
  await expect(
    first([{ views: ["a"] }, { views: ["a"] }]),
  ).rejects.toMatchObject({ code: "TRAINING_PARTS" });
});

test("targets may be distributions, or numbers", async () => {
  const t = [0.9, 0.1, 0.3, 0.7];
  const targets = floats([2, 2], t);
  const soft = await first([{ criterion: distributionCriterion }], {
    ...batch,
    targets,
  });
  const z = logits(batch.x);
  expect(soft.loss).toBeCloseTo(
    z.reduce(
      (s, row, n) =>
        s -
        logSoftmax(row).reduce((p, v, k) => p + v * (t[2 * n + k] ?? 0), 0) / 2,
      0,
    ),
    5,
  );
  const squares = await first([{ criterion: squareCriterion }], {
    ...batch,
    targets,
  });
  expect(squares.loss).toBeCloseTo(
    z.flat().reduce((s, v, i) => s + (v - (t[i] ?? 0)) ** 2 / 4, 0),
    5,
  );
  await expect(
    first([
      { criterion: squareCriterion },
      { criterion: distributionCriterion },
    ]),
  ).rejects.toMatchObject({ code: "TRAINING_PARTS" });
});

test("a parameter of a loss is trained beside the weights, and goes on in the next stage", async () => {
  // d/ds (exp(-s) L + s) = 1 - exp(-s) L
  const part: TrainingPart = {
    loss(g, loss) {
      const s = g.parameter("s", floats([], [0.5]));
      return g.b.add(g.b.mul(g.b.exp(g.b.neg(s)), loss), s);
    },
  };
  const plain = await first([]);
  const { step, gradients } = await first([part]);
  const slope = 1 - Math.exp(-0.5) * plain.loss;
  expect(gradients.get("step.parameter.s")?.[0]).toBeCloseTo(slope, 5);
  const [moved] = step.parameters.values();
  expect(moved?.data[0]).toBeCloseTo(0.5 - slope, 5);
  const next = await openStep(
    linearModel(W, B),
    new Map([["head.bias", 1]]),
    { settings: sgd, parts: [part], parameters: step.parameters },
    onnxruntime,
  );
  expect(next.parameters.get("step.parameter.s")?.data[0]).toBe(moved?.data[0]);
  await next.release();
});

test("a gradient can be reversed, or stopped, on its way", async () => {
  const plain = await first([]);
  const through = (
    pass: (
      g: Parameters<NonNullable<TrainingPart["loss"]>>[0],
      z: string,
    ) => string,
  ) =>
    first(
      [
        {
          loss(g) {
            const z = pass(g, g.rows(g.model.logits));
            const log = g.b.op("LogSoftmax", [z], { axis: int(-1) });
            return g.b.mul(
              g.b.reduceSum(g.b.mul(log, g.feed("hot", [2]))),
              -0.5,
            );
          },
        },
      ],
      { ...batch, feeds: { hot: floats([2, 2], [1, 0, 0, 1]) } },
    );
  const reversed = await through((g, z) =>
    g.withGradientOf(z, g.b.mul(z, -0.3)),
  );
  expect(reversed.loss).toBeCloseTo(plain.loss, 6);
  for (const [name, ours] of reversed.gradients)
    ours.forEach((v, i) => {
      expect(v).toBeCloseTo(-0.3 * (plain.gradients.get(name)?.[i] ?? 0), 6);
    });
  await expect(through((g, z) => g.withGradientOf(z))).rejects.toMatchObject({
    code: "GRADIENT_NO_PATH",
  });
});

test.each(["AveragePool", "MaxPool"] as const)(
  "a gradient in the loss is differentiated again, through %s",
  async (pool) => {
    const model = smooth(pool);
    const random = new Random(1);
    const given: Batch = {
      x: floats(
        [3, 1, 8, 8],
        Array.from({ length: 192 }, () => random.uniform()),
      ),
      y: Int32Array.of(0, 1, 2),
    };
    const { loss } = await first(
      [
        {
          loss(g) {
            const slope = g.gradient(g.b.reduceSum(g.each()), g.model.input);
            return g.b.reduceSum(g.b.mul(slope, slope));
          },
        },
        differencesPart(new Random(2), { h: 1e-3 }),
      ],
      given,
      model,
    );
    expect(loss).toBeGreaterThan(0);
  },
);

test("a part may move the weights, take the gradient there, and put them back", async () => {
  const plain = await first([]);
  const moved = await first([
    {
      async gradient(b, at, weights) {
        const kept = [...weights.values()].map((t) => t.data.slice());
        for (const { data } of weights.values()) data.fill(0);
        const found = await at(b);
        [...weights.values()].forEach(({ data }, i) => {
          data.set(kept[i] as Float32Array);
        });
        return found;
      },
    },
  ]);
  expect(moved.loss).toBeCloseTo(Math.log(2), 6);
  expect(moved.loss).not.toBeCloseTo(plain.loss, 3);
  const after = moved.step.weights.get("head.bias")?.data as Float32Array;
  const g = moved.gradients.get("head.bias") as Float32Array;
  after.forEach((v, i) => {
    expect(v).toBeCloseTo((B[i] ?? 0) - (g[i] ?? 0), 6);
  });
});

test("the mean of the gradients of single samples is that of the batch", async () => {
  const plain = await first([]);
  const singly = await first([
    {
      async gradient(b, at) {
        const [one, two] = [await at(sampleOf(b, 0)), await at(sampleOf(b, 1))];
        for (const [name, g] of one.gradients)
          g.forEach((v, i) => {
            g[i] = (v + (two.gradients.get(name)?.[i] ?? 0)) / 2;
          });
        return one;
      },
    },
  ]);
  for (const [name, ours] of singly.gradients)
    ours.forEach((v, i) => {
      expect(v).toBeCloseTo(plain.gradients.get(name)?.[i] ?? 0, 6);
    });
});

test("the gradient towards the input comes from the same pass", async () => {
  const { input } = await first([{ inputGradient: true }]);
  const by = logits(batch.x).flatMap((z, n) => {
    const p = logSoftmax(z).map(Math.exp);
    return [0, 1, 2].map((i) =>
      p.reduce(
        (s, v, k) =>
          s + ((v - Number(k === batch.y[n])) * (W[k]?.[i] ?? 0)) / 2,
        0,
      ),
    );
  });
  by.forEach((v, i) => {
    expect(input?.[i]).toBeCloseTo(v, 6);
  });
});

const data = {
  x: floats(
    [5, 3],
    Array.from({ length: 15 }, (_, i) => (i % 7) / 7),
  ),
  y: Int32Array.of(0, 1, 0, 1, 1),
  classes: ["c0", "c1"],
  fingerprint: "made",
  name: "made",
} as Dataset;

function trainWith(part: TrainingPart, epochs = 3) {
  const model = linearModel(W, B);
  const groups = layerGroups(model.graph);
  return tune({
    model,
    train: data,
    validation: data,
    groups,
    stages: [{ epochs, rates: new Map(groups.map((g) => [g.name, 1])) }],
    settings: settings({ epochs, batchSize: 2, learningRate: 0.1 }),
    parts: [() => part],
    engine: onnxruntime,
    random: new Random(3),
  });
}

test("a batch is replayed as often as a part says, and an epoch keeps its steps", async () => {
  const seen: number[][] = [];
  await trainWith({
    repeats: 2,
    prepare: (b) => {
      seen.push([...b.x.data]);
      return b;
    },
  });
  expect(seen).toHaveLength(9);
  for (let i = 0; i < 8; i += 2) expect(seen[i]).toEqual(seen[i + 1]);
  expect(seen[0]).not.toEqual(seen[2]);
});

test("a part may draw the rows of each batch", async () => {
  const sizes: number[] = [];
  await trainWith({
    draw: () => [4, 4, 4],
    prepare: (b) => {
      sizes.push(b.y.length);
      expect([...b.y]).toEqual([1, 1, 1]);
      return b;
    },
  });
  expect(sizes).toEqual(Array.from({ length: 9 }, () => 3));
});

test("a part ends the training without the weights it objects to, and states facts", async () => {
  let epochs = 0;
  const { ended, history, facts } = await trainWith({
    check: async () => (++epochs === 2 ? "robustness fell" : undefined),
    facts: () => ({ epochs }),
    loss: (g, loss) => {
      g.record("loss", loss);
      return loss;
    },
  });
  expect(ended).toBe("robustness fell; the weights of epoch 1 were kept");
  expect(history.map((e) => e.best)).toEqual([true, false]);
  expect(facts).toEqual({ epochs: 2 });
  expect(history[0]?.records?.loss).toBeCloseTo(
    history[0]?.trainLoss as number,
    5,
  );
});
