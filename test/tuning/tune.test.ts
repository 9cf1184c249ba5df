import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { layerGroups } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { type TrainingPart, tune } from "#tuning";
import { settings, smallDigits, untrained } from "../reference.ts";

async function trainWith(stated: Record<string, unknown>, more: object = {}) {
  const parts = await smallDigits();
  const model = { ...untrained(), classes: parts.train.classes };
  const groups = layerGroups(model.graph);
  const { epochs } = settings(stated);
  const stages = [{ epochs, rates: new Map(groups.map((g) => [g.name, 1])) }];
  return tune({
    model,
    ...parts,
    groups,
    stages,
    settings: settings(stated),
    engine: onnxruntime,
    random: new Random(1),
    ...more,
  });
}

test("learns digits", async () => {
  const { history, ended } = await trainWith({
    epochs: 15,
    learningRate: 3e-3,
  });
  expect(ended).toBe("finished");
  const best = history.find((e) => e.best);
  expect(best?.validationAccuracy).toBeGreaterThan(0.9);
  expect(history.filter((e) => e.best)).toHaveLength(1);
  expect(
    history.every(
      (e) => e.validationAccuracy <= (best?.validationAccuracy ?? 0),
    ),
  ).toBe(true);
});

test("samples that no step drew move no weight", async () => {
  const { train } = await smallDigits();
  const once = { epochs: 1, samplingTemperature: 1 };
  const { unseen, model } = await trainWith(once);
  expect(unseen.length).toBeGreaterThan(20);
  expect(unseen.length).toBeLessThan(train.y.length / 2);
  const blank = (rows: readonly number[]) => {
    const data = train.x.data.slice();
    for (const row of rows) data.fill(1, 64 * row, 64 * (row + 1));
    return trainWith(once, { train: { ...train, x: { ...train.x, data } } });
  };
  const weights = (m: typeof model) => [...m.graph.constants.values()];
  const same = await blank(unseen);
  expect(weights(same.model)).toEqual(weights(model));
  const seen = [...train.y.keys()].find((row) => !unseen.includes(row)) ?? 0;
  const other = await blank([seen]);
  expect(weights(other.model)).not.toEqual(weights(model));
  expect((await trainWith({ epochs: 1 })).unseen).toEqual([]);
});

test("stops early when the validation loss does not fall any more", async () => {
  const { history, ended } = await trainWith({
    epochs: 200,
    learningRate: 1e-2,
    patience: 3,
  });
  expect(ended).toBe("early stop");
  expect(history.length).toBeLessThan(200);
  const lowest = Math.min(...history.map((e) => e.validationLoss));
  expect(history.slice(-3).every((e) => e.validationLoss > lowest)).toBe(true);
});

test("a schedule can send training back to the best weights, and to what parts had then", async () => {
  const base = settings({ epochs: 4, learningRate: 1e-2 });
  const unit = {
    ...base.schedule.unit,
    course: () => {
      let epochs = 0;
      return { factor: () => 1, observe: () => ++epochs === 3 };
    },
  };
  const accuracies = [0.5, 0.9, 0.6, 0.7];
  const starts: Float32Array[][] = [];
  let steps = 0;
  const part = ({
    stepsPerEpoch,
  }: {
    stepsPerEpoch: number;
  }): TrainingPart => ({
    loss: ({ b, parameter }, loss) => {
      const beside = b.reduceSum(parameter("beside", floats([1], [1])), [0]);
      return b.add(loss, beside);
    },
    evaluate: () => ({ loss: 1, accuracy: accuracies.shift() as number }),
    async gradient(batch, at, weights) {
      if (steps++ % stepsPerEpoch === 0)
        starts.push([...weights.values()].map(({ data }) => data.slice()));
      return at(batch);
    },
  });
  await trainWith(
    {},
    {
      settings: { ...base, schedule: { unit, params: {} } },
      parts: [part],
      stages: [
        {
          epochs: 4,
          rates: new Map(
            layerGroups(untrained().graph).map((g) => [g.name, 1]),
          ),
        },
      ],
    },
  );
  // The second epoch was the best; the third ended where it was sent back.
  expect(starts[3]).toEqual(starts[2]);
  expect(starts[2]).not.toEqual(starts[1]);
});

test("a training that diverges at once says so", async () => {
  await expect(
    trainWith({ epochs: 3, learningRate: 1e30, optimizer: "sgd" }),
  ).rejects.toMatchObject({
    code: "TRAINING_DIVERGED",
    hint: expect.stringContaining("learningRate"),
  });
});

test("a training that diverges later keeps its best checkpoint and says why it ended", async () => {
  // A schedule that explodes after two epochs.
  const base = settings({ epochs: 6, learningRate: 1e-3 });
  const unit = {
    ...base.schedule.unit,
    course: (_p: unknown, _t: number, perEpoch: number) => ({
      factor: (step: number) => (step < 2 * perEpoch ? 1 : 1e35),
    }),
  };
  const { history, ended, model } = await trainWith(
    { epochs: 6 },
    { settings: { ...base, schedule: { unit, params: {} } } },
  );
  expect(ended).toMatch(
    /^the loss of epoch \d is not a number .*the weights of epoch \d were kept$/,
  );
  expect(history.some((e) => e.best)).toBe(true);
  const { data } = model.graph.constants.get("head.weight") as FloatTensor;
  expect(data.every(Number.isFinite)).toBe(true);
});

test("stops between steps when it is interrupted", async () => {
  const abort = new AbortController();
  abort.abort();
  await expect(
    trainWith({ epochs: 3 }, { signal: abort.signal }),
  ).rejects.toMatchObject({ code: "INTERRUPTED" });
});
