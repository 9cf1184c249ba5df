import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { type Repair, remaining, repairs } from "#defenses";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, type Model } from "#model";
import { copyOf } from "#onnx";
import { trainOn } from "../../defenses/repair/train.ts";
import { invertTriggers } from "../../defenses/repair/trigger-inversion.ts";
import { smallDigits, untrained } from "../reference.ts";

/** Parameters that make a repair quick, or that it has to be told. */
const quick: Record<string, Record<string, unknown>> = {
  unlearn: { class: "3", epochs: 4 },
  "neural-cleanse": { steps: 150, epochs: 4 },
  nad: { epochs: 4, teacherEpochs: 4 },
};
const paramsOf = ({ id, params }: Repair) =>
  params.parse(quick[id] ?? {}) as never;

const TARGET = 0;
/** A 2x2 patch of white in a corner. */
function stamped(data: Dataset, rows = [...data.y.keys()]): Dataset {
  const x = copyOf(data.x);
  for (const row of rows)
    for (const pixel of [54, 55, 62, 63]) x.data[row * 64 + pixel] = 1;
  return dataset(data.name, x, data.y, data.classes);
}

let parts: Awaited<ReturnType<typeof smallDigits>>;
let clean: Model;
let planted: Model;
let poisoned: Dataset;

const train = (data: Dataset) =>
  trainOn(
    { ...untrained(), classes: data.classes },
    data,
    { epochs: 15, learningRate: 3e-3, batchSize: 32 },
    onnxruntime,
    new Random("victim"),
  );

beforeAll(async () => {
  parts = await smallDigits();
  const { train: data } = parts;
  const rows = new Random("rows").permutation(data.y.length).slice(0, 20);
  const with2x2 = stamped(data, rows);
  const y = data.y.map((label, i) => (rows.includes(i) ? TARGET : label));
  poisoned = dataset(data.name, with2x2.x, y, data.classes);
  [clean, planted] = [await train(data), await train(poisoned)];
});

async function said(model: Model, { x }: Dataset) {
  const compiled = await compile(model, onnxruntime);
  const labels = argmaxRows(await compiled.logits(x));
  await compiled.release();
  return labels;
}

const accuracy = async (model: Model, data = parts.test) => {
  const labels = await said(model, data);
  return data.y.filter((y, i) => labels[i] === y).length / data.y.length;
};

/** Share of the samples of other classes that the patch turns. */
async function success(model: Model) {
  const { test: data } = parts;
  const labels = await said(model, stamped(data));
  const others = [...data.y.keys()].filter((i) => data.y[i] !== TARGET);
  return others.filter((i) => labels[i] === TARGET).length / others.length;
}

const repaired = async (unit: Repair, model: Model): Promise<Model> => {
  const input = {
    model,
    engine: onnxruntime,
    params: paramsOf(unit),
    random: new Random("repair"),
  };
  return unit.kind === "mend"
    ? unit.mend({ ...input, clean: parts.validation })
    : train(
        remaining(poisoned, await unit.filter({ ...input, train: poisoned })),
      );
};

test("the backdoor is planted, and absent in the clean model", async () => {
  expect(await success(planted)).toBeGreaterThan(0.9);
  expect(await success(clean)).toBeLessThan(0.2);
  expect(await accuracy(planted)).toBeGreaterThan(0.85);
});

describe.each(repairs.map((unit) => [unit.id, unit] as const))(
  "%s",
  (id, unit) => {
    test("leaves the model and the data as they were, and does the same again", async () => {
      const before = [...planted.graph.constants].map(([, t]) =>
        t.data.slice(),
      );
      const first = await repaired(unit, planted);
      expect([...planted.graph.constants].map(([, t]) => t.data)).toEqual(
        before,
      );
      const again = await repaired(unit, planted);
      expect(again.graph.constants).toEqual(first.graph.constants);
      expect(first.contract).toEqual(planted.contract);
      expect(first.classes).toEqual(planted.classes);
    });

    test("costs a clean model little", async () => {
      const least = id === "unlearn" ? 0.55 : 0.8;
      expect(await accuracy(await repaired(unit, clean))).toBeGreaterThan(
        least,
      );
    });

    test("refuses parameters that it does not have", () => {
      expect(() => unit.params.parse({ nonsense: 1 })).toThrow();
    });
  },
);

test("repairs of weights lower the success of the patch", async () => {
  const before = await success(planted);
  const found: Record<string, number> = {};
  for (const unit of repairs.filter((r) =>
    ["fine-pruning", "nad", "neural-cleanse"].includes(r.id),
  ))
    found[unit.id] = await success(await repaired(unit, planted));
  for (const after of Object.values(found))
    expect(after).toBeLessThan(before - 0.1);
});

test("the smallest trigger into the target class is small and stands out; in the clean model none does", async () => {
  const settings = {
    steps: 200,
    rate: 0.1,
    batchSize: 64,
    threshold: 0.99,
    lambda: 1e-3,
    patience: 5,
  };
  const look = (model: Model) =>
    invertTriggers(
      model,
      parts.validation,
      settings,
      onnxruntime,
      new Random("inversion"),
    );
  const found = await look(planted);
  const none = await look(clean);
  const sizes = found.map((t) => t.size);
  expect(Math.min(...sizes)).toBe(sizes[TARGET]);
  expect(found.filter((t) => t.flagged).map((t) => t.label)).toEqual([TARGET]);
  expect(none.filter((t) => t.flagged)).toEqual([]);
});
