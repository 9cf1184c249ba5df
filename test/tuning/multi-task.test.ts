import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, dataset, takeSamples } from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import {
  compile,
  groupHeads,
  type Head,
  type HeadSpec,
  headModel,
  layerGroups,
  loadModel,
  type Model,
  saveModel,
  withHeads,
} from "#model";
import { type FloatTensor, floats, readModel } from "#onnx";
import {
  type Augmentation,
  asPart,
  augmentations,
  type Batch,
  type BatchGradient,
  formOf,
  jointDataset,
  manyTasks,
  type OpenPart,
  openStep,
  strategies,
  type TrainingDefense,
  type TrainingPart,
  tune,
  type Weighting,
  weightings,
} from "#tuning";
import { beta } from "../../src/tuning/augmentations/beta.ts";
import { projected } from "../../src/tuning/multi-task/pcgrad.ts";
import { openSlope } from "../../src/tuning/slope.ts";
import { temporaryFolder } from "../folder.ts";
import {
  context,
  linearModel,
  reference,
  settings,
  smallDigits,
} from "../reference.ts";
import { runs } from "../runs.ts";
import { differencesPart } from "./differences.ts";
import { smooth } from "./smooth.ts";

const folder = temporaryFolder();

const unit = (id: string) => weightings.find((w) => w.id === id) as Weighting;
const weighted = (id: string, params: object = {}) => ({
  unit: unit(id),
  params: unit(id).params.parse(params),
});

const specs: HeadSpec[] = [
  { name: "digit", classes: ["0", "1", "2", "3", "4"] },
  { name: "parity", classes: ["even", "odd"], task: { kind: "binary" } },
  {
    name: "ink",
    classes: ["share"],
    task: { kind: "regression", tolerance: 0.05 },
  },
];

/** The share of each image that is ink, as values to be learned. */
const inked = ({ name, x, y }: Dataset): Dataset =>
  dataset(
    name,
    x,
    new Int32Array(y.length),
    ["share"],
    floats(
      [y.length, 1],
      Array.from(y, (_, i) =>
        x.data.subarray(64 * i, 64 * (i + 1)).reduce((s, v) => s + v / 64, 0),
      ),
    ),
  );

const odd = ({ name, x, y }: Dataset): Dataset =>
  dataset(
    name,
    x,
    y.map((k) => k % 2),
    ["even", "odd"],
  );

let trunk: Model;
let data: { train: Dataset; validation: Dataset };

/**
 * The digits of one part, of which parity is known of a third, in samples of its own.
 */
function joint(model: Model, part: Dataset): Dataset {
  const all = Array.from(part.y.keys());
  return jointDataset(
    model.heads ?? [],
    [
      { data: part, rows: all },
      {
        data: odd(
          takeSamples(
            part,
            all.filter((i) => i % 3 === 0),
          ),
        ),
      },
      { data: inked(part), rows: all },
    ],
    part,
  );
}

beforeAll(async () => {
  trunk = await reference();
  data = await smallDigits();
});

async function train(
  weighting: string,
  strategy = "full",
  seed = 1,
  epochs = 4,
  parts: readonly OpenPart[] = [],
) {
  const headed = withHeads(trunk, specs, new Random(seed));
  const chosen = strategies.find((s) => s.id === strategy);
  if (!chosen) throw new Error(strategy);
  const params = chosen.params.parse({});
  const form = formOf(
    { unit: chosen, params },
    headed,
    groupHeads(headed, layerGroups(headed.graph)),
    new Random(seed),
  );
  const samples = {
    train: joint(headed, data.train),
    validation: joint(headed, data.validation),
  };
  const tuned = await tune({
    model: form.model,
    ...samples,
    groups: form.groups,
    stages: chosen.stages(form.groups, epochs, params),
    settings: settings({ learningRate: 3e-3 }),
    parts: [
      ...parts,
      manyTasks({
        weighting: weighted(weighting),
        temperature: null,
        groups: form.groups,
        train: samples.train,
      }),
    ],
    engine: onnxruntime,
    random: new Random(seed),
  });
  return {
    ...tuned,
    headed,
    form,
    shipped: form.restore(tuned.model, tuned.probed),
  };
}

describe.each(weightings.map((w) => [w.id] as const))(
  "tasks weighed by %s",
  (id) => {
    test("are all learned, the same under the same seed; each is in the training curve", async () => {
      const [one, same] = [await train(id), await train(id)];
      expect(same.history).toEqual(one.history);
      const first = one.history[0]?.records ?? {};
      const best = one.history.find((e) => e.best)?.records ?? {};
      expect(best["digit validation accuracy"]).toBeGreaterThan(0.8);
      expect(best["parity validation accuracy"]).toBeGreaterThan(0.7);
      expect(best["ink validation loss"]).toBeLessThan(first["ink loss"] ?? 0);
      for (const { name } of specs)
        expect(best[`${name} loss`]).toBeGreaterThan(0);
    });

    test("frozen weights keep their bytes", async () => {
      const { model, headed } = await train(id, "head-only", 1, 1);
      const heads = headed.heads?.flatMap((h) => h.parameters) ?? [];
      for (const [name, before] of headed.graph.constants)
        if (heads.includes(name))
          expect(model.graph.constants.get(name)?.data, name).not.toEqual(
            before.data,
          );
        else expect(model.graph.constants.get(name), name).toBe(before);
    });
  },
);

test("adversarial training climbs the losses of all tasks that a sample is labelled for", async () => {
  const headed = withHeads(trunk, specs, new Random(1));
  const all = joint(headed, data.validation);
  const groups = groupHeads(headed, layerGroups(headed.graph));
  const part = manyTasks({
    weighting: weighted("fixed"),
    temperature: null,
    groups,
    train: all,
  })(context(headed));
  const slope = openSlope(headed, new Map(), [part], onnxruntime);
  const batch: Batch = { x: all.x, y: all.y, targets: all.targets };
  const found = await slope.at(batch);
  await slope.release();

  const expected = new Float32Array(found.data.length);
  const shared = data.validation.y.length;
  const ink = inked(data.validation).targets;
  const own: [string, Partial<Dataset>, number][] = [
    ["digit", data.validation, 0],
    ["ink", { ...data.validation, targets: ink }, 0],
    ["parity", rowsFrom(all, shared), shared],
  ];
  for (const [name, samples, from] of own) {
    const head = headed.heads?.find((h) => h.name === name) as Head;
    const compiled = await compile(headModel(headed, head), onnxruntime);
    const { x, y, targets } = samples as Dataset;
    const labels =
      name === "parity"
        ? data.validation.y.filter((_, i) => i % 3 === 0).map((k) => k % 2)
        : y;
    const { gradient } = await compiled.lossGradient(x, labels, { targets });
    await compiled.release();
    gradient.data.forEach((g, i) => {
      const at = from * 64 + i;
      expected[at] = expected[at]! + g;
    });
  }
  const scale = Math.max(...expected.map(Math.abs));
  found.data.forEach((g, i) => {
    expect(Math.abs(g - expected[i]!)).toBeLessThan(1e-4 * scale);
  });

  const unit = trainingDefenses.find((d) => d.id === "pgd-at");
  const params = { eps: 0.1, steps: 2, relStepSize: 0.6 };
  const hardened = asPart({
    unit: unit as TrainingDefense,
    params: unit?.params.parse(params) ?? {},
  });
  // Each is judged by examples of its own, so the robust one has the harder ones.
  const { history } = await train("fixed", "full", 1, 16, [hardened]);
  const best = history.find((e) => e.best)?.records ?? {};
  expect(best["digit validation accuracy"]).toBeGreaterThan(0.6);
  expect(best["parity validation accuracy"]).toBeGreaterThan(0.6);
});

/** The samples from a row on, of which only the images count. */
const rowsFrom = ({ x, y }: Dataset, from: number): Partial<Dataset> => ({
  x: floats([y.length - from, ...x.dims.slice(1)], x.data.slice(64 * from)),
});

test("low-rank adaptation of the trunk ships what it trained", async () => {
  const { model, shipped } = await train("fixed", "lora", 1, 2);
  const x = data.validation.x;
  const [trained, given] = [await answers(model, x), await answers(shipped, x)];
  given.forEach((z, i) => {
    expect(z).toBeCloseTo(trained[i]!, 3);
  });
});

async function answers(model: Model, x: FloatTensor): Promise<Float32Array> {
  const compiled = await compile(model, onnxruntime);
  const { data: found } = await compiled.logits(x);
  await compiled.release();
  return found;
}

test("a file has an output for each head, and each is read back as a model of its own", async () => {
  const model = withHeads(trunk, specs, new Random(3));
  const file = join(folder, "many.onnx");
  saveModel(file, model);
  expect(readModel(file).outputs.map((o) => o.name)).toEqual([
    "digit",
    "parity",
    "ink",
  ]);
  for (const head of model.heads ?? []) {
    const read = await loadModel(file, { head: head.name });
    expect(read.classes).toEqual(head.classes);
    expect(read.task?.kind).toBe(
      head.name === "ink" ? "regression" : undefined,
    );
    expect(await answers(read, data.validation.x)).toEqual(
      await answers(headModel(model, head), data.validation.x),
    );
  }
  expect((await loadModel(file)).classes).toEqual(specs[0]?.classes);
  await expect(loadModel(file, { head: "pariti" })).rejects.toThrow(
    /no head "pariti"/,
  );
});

test("a head begins alike whatever stands beside it", () => {
  const [, parity] = specs as [HeadSpec, HeadSpec];
  const weight = (m: Model) =>
    m.graph.constants.get("head.parity.weight")?.data;
  const alone = weight(withHeads(trunk, [parity], new Random(3)));
  expect(alone?.length).toBe(64);
  expect(alone).toEqual(weight(withHeads(trunk, specs, new Random(3))));
});

test("samples keep what is known of them: shared ones once with all labels, others NaN", () => {
  const { heads = [] } = withHeads(trunk, specs, new Random(3));
  const whole = data.validation;
  const some = [4, 2, 7];
  const own = takeSamples(whole, [0, 1]);
  const found = jointDataset(
    heads,
    [
      { data: takeSamples(whole, some), rows: some },
      { data: odd(takeSamples(whole, [2, 9])), rows: [2, 9] },
      { data: inked(own) },
    ],
    whole,
  );
  expect(found.x.dims).toEqual([6, 1, 8, 8]);
  expect(found.x.data).toEqual(takeSamples(whole, [2, 4, 7, 9, 0, 1]).x.data);
  const label = (i: number) => {
    const row = (found.targets as FloatTensor).data.subarray(8 * i, 8 * i + 8);
    return [
      row.indexOf(1),
      Number.isNaN(row[0]),
      Number.isNaN(row[5]),
      Number.isNaN(row[7]),
    ];
  };
  expect(label(0)).toEqual([whole.y[2], false, false, true]);
  expect(label(1)).toEqual([whole.y[4], false, true, true]);
  expect(label(3)).toEqual([5 + (whole.y[9]! % 2), true, false, true]);
  expect(label(5).slice(1)).toEqual([true, true, false]);
});

/**
 * Two heads on a smooth trunk, and a batch in which the last sample has no class and
 * the first no value.
 */
function small() {
  const model = withHeads(
    smooth(),
    [
      { name: "class", classes: ["a", "b"] },
      {
        name: "value",
        classes: ["v"],
        task: { kind: "regression", tolerance: 1 },
      },
    ],
    new Random(2),
  );
  const random = new Random(8);
  const x = floats(
    [3, 1, 8, 8],
    Array.from({ length: 192 }, () => random.uniform()),
  );
  const targets = floats(
    [3, 3],
    [1, 0, Number.NaN, 0, 1, 0.3, Number.NaN, Number.NaN, -2],
  );
  return { model, batch: { x, y: new Int32Array(3), targets } };
}

async function step(
  model: Model,
  chosen: ReturnType<typeof weighted>,
  outer: TrainingPart[] = [],
  rates?: ReadonlyMap<string, number>,
) {
  const groups = groupHeads(model, layerGroups(model.graph));
  const train = dataset("none", floats([0, 1, 8, 8], []), new Int32Array(), []);
  const part = manyTasks({
    weighting: chosen,
    temperature: null,
    groups,
    train,
  })(context(model));
  const open = await openStep(
    model,
    rates ?? new Map(groups.flatMap((g) => g.parameters.map((p) => [p, 1]))),
    {
      settings: settings({ optimizer: { id: "sgd", momentum: 0 } }),
      parts: [...outer, part],
    },
    onnxruntime,
  );
  return { ...open, part };
}

test.each(["fixed", "uncertainty"])(
  "the gradient of the whole loss is right: %s",
  async (id) => {
    const { model, batch } = small();
    const open = await step(
      model,
      weighted(id, id === "fixed" ? { weights: { value: 0.3 } } : {}),
      [differencesPart(new Random(3))],
    );
    await open.take(
      (await open.part.prepare?.(batch, {} as never)) ?? batch,
      0.1,
    );
    await open.release();
  },
);

describe("soft labels of several tasks", () => {
  const smoothing = (model: Model) => {
    const unit = trainingDefenses.find((d) => d.id === "label-smoothing");
    if (!unit) throw new Error("label-smoothing is there");
    return asPart({ unit, params: unit.params.parse({}) })(context(model));
  };
  const mixup = (model: Model) => {
    const unit = augmentations.find((a) => a.id === "mixup") as Augmentation;
    return unit.open(unit.params.parse({ alpha: 1 }), context(model));
  };
  const softened = async (part: TrainingPart, batch: Batch) =>
    ((await part.prepare?.(batch, {
      batchRandom: new Random(5),
    } as never)) ?? batch) as Batch;
  const none = Number.NaN;
  /** Three samples: of both tasks, of the digit alone, of parity alone. */
  const scene = () => {
    const model = withHeads(smooth(), specs.slice(0, 2), new Random(2));
    const targets = floats(
      [3, 7],
      [
        ...[1, 0, 0, 0, 0, 0, 1],
        ...[0, 0, 1, 0, 0, none, none],
        ...[none, none, none, none, none, 1, 0],
      ],
    );
    const x = floats(
      [3, 1, 8, 8],
      Array.from({ length: 192 }, (_, i) => (i % 7) / 7),
    );
    return { model, batch: { x, y: new Int32Array(3), targets } };
  };

  test("are smoothed by the classes of each", async () => {
    const { model, batch } = scene();
    const { targets } = await softened(smoothing(model), batch);
    const [far, near] = [0.1 / 5, 0.9 + 0.1 / 5];
    const wanted = [
      ...[near, far, far, far, far, 0.05, 0.95],
      ...[far, far, near, far, far, none, none],
      ...[none, none, none, none, none, 0.95, 0.05],
    ];
    expect(targets?.data).toEqual(Float32Array.from(wanted));
  });

  test("of a blend are known where those of both samples are", async () => {
    const { model, batch } = scene();
    const { targets } = await softened(mixup(model), batch);
    const other = new Random(5).fork("mixup");
    beta(1, 1, other);
    const pairs = other.permutation(3);
    const known = (i: number, column: number) =>
      !Number.isNaN(batch.targets.data[7 * i + column]);
    for (let i = 0; i < 3; i++)
      for (const column of [0, 5])
        expect(!Number.isNaN(targets?.data[7 * i + column])).toBe(
          known(i, column) && known(pairs[i]!, column),
        );
  });

  test("are what each head learns, and values are refused", async () => {
    const { model, batch } = scene();
    const lossOf = async (parts: TrainingPart[], given: Batch) => {
      const open = await step(model, weighted("fixed"), parts);
      const ready = (await open.part.prepare?.(given, {} as never)) ?? given;
      const { loss } = await open.take(ready as Batch, 0.1);
      await open.release();
      return loss;
    };
    const parts = [mixup(model), smoothing(model)];
    const soft = await softened(parts[1]!, await softened(parts[0]!, batch));
    const loss = await lossOf(parts, soft);
    expect(loss).toBeCloseTo(await lossOf([], soft), 6);
    expect(Number.isFinite(loss)).toBe(true);
    const withValues = withHeads(smooth(), specs, new Random(2));
    await expect(
      step(withValues, weighted("fixed"), [smoothing(withValues)]),
    ).rejects.toThrow(/a task is one of regression/);
  });
});

test.each(weightings.map((w) => w.id))(
  "a head without samples in the batch gets no gradient: %s",
  async (id) => {
    const { model, batch } = small();
    let seen: BatchGradient | undefined;
    const spy: TrainingPart = {
      async gradient(b, at) {
        seen = await at(b);
        return seen;
      },
    };
    const open = await step(model, weighted(id), [spy]);
    const targets = floats(
      [3, 3],
      [1, 0, Number.NaN, 0, 1, Number.NaN, 0, 1, Number.NaN],
    );
    const ready = await open.part.prepare?.({ ...batch, targets }, {} as never);
    await open.take(ready ?? batch, 0.1);
    await open.release();
    const length = (name: string) =>
      seen?.gradients.get(name)?.reduce((sum, v) => sum + Math.abs(v), 0);
    expect(length("head.value.weight")).toBe(0);
    expect(length("head.class.weight")).toBeGreaterThan(0);
    expect(length("conv.weight")).toBeGreaterThan(0);
    const s = [...(seen?.gradients ?? [])].find(([name]) =>
      name.endsWith("variance value"),
    );
    expect(s?.[1][0] ?? 0).toBe(0);
  },
);

test("log variances go to where their exponential is the loss", async () => {
  const { model, batch } = small();
  // Nothing else moves, so the losses stay what they are.
  const open = await step(model, weighted("uncertainty"), [], new Map());
  const ready = (await open.part.prepare?.(batch, {} as never)) ?? batch;
  let records: Readonly<Record<string, number>> = {};
  for (let i = 0; i < 300; i++) ({ records } = await open.take(ready, 0.5));
  await open.release();
  for (const task of ["class", "value"]) {
    const s = Math.log(1 / (2 * (records[`${task} weight`] ?? 0)));
    expect(Math.exp(s)).toBeCloseTo(records[`${task} loss`] ?? 0, 3);
  }
});

test("conflicting gradients are projected", () => {
  const pair = [Float32Array.of(1, 0), Float32Array.of(-1, 1)];
  expect([...projected(pair, () => [0, 1])]).toEqual([0.5, 1.5]);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.float({ min: -2, max: 2, noNaN: true }),
          fc.float({ min: -2, max: 2, noNaN: true }),
        ),
        { minLength: 2, maxLength: 2 },
      ),
      (rows) => {
        const given = rows.map((r) => Float32Array.from(r));
        const total = projected(given, () => [1, 0]);
        // Two that are freed of each other never point against either.
        for (const g of given)
          expect(g.reduce((s, v, k) => s + v * total[k]!, 0)).toBeGreaterThan(
            -1e-5,
          );
      },
    ),
    runs(50),
  );
});

/** Tasks s^2 |w - a|^2 / 2 on shared w, of very different scales. */
function toy(id: string, params: object) {
  const tasks = [
    { task: "small", scale: 1, to: [1, 0] },
    { task: "large", scale: 8, to: [0, 1] },
  ];
  const balance = unit(id).open(unit(id).params.parse(params), {
    tasks: tasks.map((t) => t.task),
    shared: [{ name: "trunk", parameters: ["w"], size: 2 }],
    random: new Random(1),
  });
  const w = Float32Array.of(0.3, 0.2);
  const sums: number[] = [];
  const found = () =>
    tasks.map(({ task, scale, to }) => {
      const g = Float32Array.from(w, (v, k) => scale ** 2 * (v - to[k]!));
      const loss = g.reduce((s, v) => s + v * v, 0) / (2 * scale ** 2);
      return { task, loss, gradients: new Map([["w", g]]) };
    });
  const imbalance = () => {
    const norms = found().map(({ gradients }, t) => {
      const g = gradients.get("w") ?? [];
      return balance.weights[t]! * Math.hypot(...g);
    });
    return Math.max(...norms) / Math.min(...norms);
  };
  const before = imbalance();
  for (let i = 0; i < 300; i++) {
    const g = balance.combine?.(found()).get("w") ?? [];
    sums.push(balance.weights.reduce((s, v) => s + v, 0));
    for (let k = 0; k < w.length; k++) w[k] = w[k]! - 1e-3 * g[k]!;
  }
  return { sums, before, after: imbalance(), weights: balance.weights };
}

test("GradNorm keeps the sum of the weights and evens out the norms of the gradients", () => {
  const even = toy("gradnorm", { alpha: 0 });
  for (const sum of even.sums) expect(sum).toBeCloseTo(2, 5);
  expect(even.before).toBeGreaterThan(20);
  expect(even.after).toBeLessThan(1.3);
  const { weights } = toy("gradnorm", {});
  expect(weights[0]).toBeGreaterThan(weights[1]!);
});

test("tasks are drawn by their size, or nearer to evenly the higher the temperature", () => {
  const model = withHeads(trunk, specs, new Random(1));
  const train = joint(model, data.train);
  const groups = groupHeads(model, layerGroups(model.graph));
  const parityOnly = (temperature: number) => {
    const part = manyTasks({
      weighting: weighted("fixed"),
      temperature,
      groups,
      train,
    })(context(model));
    const rows = part.draw?.(train.y.length, 4000, new Random(2)) ?? [];
    return rows.filter((i) => i >= data.train.y.length).length / 4000;
  };
  // A third as many of parity as of each of the others: 1 : 3 : 3.
  expect(Math.abs(parityOnly(1) - 1 / 7)).toBeLessThan(0.03);
  expect(Math.abs(parityOnly(100) - 1 / 3)).toBeLessThan(0.03);
});

test("a weight for a task that is not trained is refused", () => {
  const model = withHeads(
    linearModel([[1, 2]], [0]),
    specs.slice(0, 1),
    new Random(1),
  );
  expect(() =>
    manyTasks({
      weighting: weighted("fixed", { weights: { parity: 1 } }),
      temperature: null,
      groups: [],
      train: data.train,
    })(context(model)),
  ).toThrow(/no task of the candidate/);
});
