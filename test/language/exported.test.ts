import { describe, expect, test } from "vitest";
import { lossOf } from "#autodiff";
import { logSumExp, Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, layerGroups, meaningOf, openModel } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  GraphBuilder,
  ints,
  readModel,
} from "#onnx";
import { type BatchGradient, openPlainStep, type TrainingPart } from "#tuning";
import { relative } from "../exported.ts";
import {
  languageModels,
  openLanguageModel,
  readLanguageModel,
} from "./exported.ts";

/** Logits as models have them, [N, tokens x length], as torch does. */
function tokensLast({ data, dims }: FloatTensor, like: FloatTensor) {
  const [, length = 0, tokens = 0] = like.dims;
  const turned = Float32Array.from(like.data, (_, i) => {
    const [row, k] = [Math.floor(i / tokens), i % tokens];
    const [n, p] = [Math.floor(row / length), row % length];
    return data[n * (dims[1] as number) + k * length + p]!;
  });
  return { ...like, data: turned };
}

describe.each(languageModels)("%s", (name) => {
  const wanted = readLanguageModel(name);
  const { ids, targets } = wanted;
  const n = ids.dims[0] as number;
  const batch = { x: ids, y: new Int32Array(n), targets };

  /** The loss of a batch and the gradients that a step takes. */
  async function gradients(weights?: readonly string[]) {
    let found: BatchGradient | undefined;
    const listening: TrainingPart = {
      async gradient(given, at) {
        found = await at(given);
        return found;
      },
    };
    const model = await openLanguageModel(wanted);
    const step = await openPlainStep(model, onnxruntime, {
      parts: [listening],
      weights,
    });
    await step.take(batch, 0);
    await step.release();
    return found as BatchGradient;
  }

  test("its logits and losses are torch's", async () => {
    const model = await openLanguageModel(wanted);
    const compiled = await compile(model, onnxruntime);
    const logits = await compiled.logits(ids);
    const { loss } = await compiled.lossGradient(ids, batch.y, { targets });
    await compiled.release();
    const seen = tokensLast(logits, wanted.logits);
    expect(relative(seen, wanted.logits)).toBeLessThan(1e-5);
    expect(relative({ ...wanted.loss, data: loss }, wanted.loss)).toBeLessThan(
      1e-5,
    );
    const width = logits.dims[1] as number;
    const length = ids.dims[1] as number;
    wanted.loss.data.forEach((one, i) => {
      const row = logits.data.subarray(i * width, (i + 1) * width);
      const own = targets.data.subarray(i * length, (i + 1) * length);
      const said = meaningOf(model).lossOf(row, { label: 0, targets: own });
      expect(said).toBeCloseTo(one, 4);
    });
  });

  test("answers are looked at as in all of its logits", async () => {
    const compiled = await compile(
      await openLanguageModel(wanted),
      onnxruntime,
    );
    const { logs, likeliest, first } = await compiled.nextTokens(ids, targets);
    await compiled.release();
    const tokens = wanted.logits.dims[2] as number;
    const length = ids.dims[1] as number;
    const told: number[] = [];
    const best: number[] = [];
    const begins: number[] = [];
    let before = -1;
    targets.data.forEach((y, place) => {
      if (y < 0) return;
      const z = wanted.logits.data.subarray(
        place * tokens,
        (place + 1) * tokens,
      );
      const total = logSumExp(z);
      told.push(z[y]! - total);
      best.push(z.indexOf(Math.max(...z)));
      const sample = Math.floor(place / length);
      if (sample > before) begins.push(...Array.from(z, (v) => v - total));
      before = sample;
    });
    expect(likeliest).toEqual(best);
    expect(logs).toHaveLength(told.length);
    told.forEach((log, i) => {
      expect(logs[i]).toBeCloseTo(log, 4);
    });
    expect(first.dims).toEqual([n, tokens]);
    begins.forEach((log, i) => {
      expect(first.data[i]).toBeCloseTo(log, 4);
    });
  });

  test("the gradient of every weight is torch's", async () => {
    const trained = layerGroups((await openLanguageModel(wanted)).graph);
    const names = trained.flatMap(({ parameters }) => parameters);
    // Norms and biases that an exporter folded away have no weight left.
    expect(names.length).toBeGreaterThan(15);
    const { loss, gradients: found } = await gradients();
    const mean = wanted.loss.data.reduce((sum, v) => sum + v, 0) / n;
    expect(loss).toBeCloseTo(mean, 5);
    const compared = [...wanted.gradients].filter(([weight]) =>
      found.has(weight),
    );
    expect(compared.length).toBeGreaterThanOrEqual(names.length - 1);
    for (const [weight, gradient] of compared) {
      const seen = { ...gradient, data: found.get(weight) as Float32Array };
      expect(relative(seen as FloatTensor, gradient), weight).toBeLessThan(
        1e-4,
      );
    }
  });

  test("and that of differences", async () => {
    const model = await openLanguageModel(wanted);
    const { gradients: found } = await gradients();
    const random = new Random(name);
    const weights = new Map(
      [...found.keys()].map((weight) => {
        const { dims, data } = model.graph.constants.get(weight) as FloatTensor;
        return [weight, { type: "float32" as const, dims, data: data.slice() }];
      }),
    );
    const way = new Map(
      [...found].map(([weight, g]) => [
        weight,
        // Uphill with every weight, so that the slope is large.
        Float32Array.from(g, (v) => Math.sign(v) * random.uniform()),
      ]),
    );
    const compiled = await compile(model, onnxruntime, { weights });
    const lossAt = async (h: number) => {
      for (const [weight, { data }] of weights) {
        const start = model.graph.constants.get(weight)!.data as Float32Array;
        for (let i = 0; i < data.length; i++)
          data[i] = start[i]! + h * way.get(weight)![i]!;
      }
      const { data, dims } = await compiled.logits(ids);
      const width = dims[1] as number;
      const length = ids.dims[1] as number;
      let sum = 0;
      for (let i = 0; i < n; i++)
        sum += meaningOf(model).lossOf(
          data.subarray(i * width, (i + 1) * width),
          {
            label: 0,
            targets: targets.data.subarray(i * length, (i + 1) * length),
          },
        );
      return sum / n;
    };
    const told = [...found].reduce(
      (sum, [weight, g]) =>
        sum + g.reduce((s, v, i) => s + v * way.get(weight)![i]!, 0),
      0,
    );
    const h = 0.01 / told;
    const slope = ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
    await compiled.release();
    expect(Math.abs(slope - told) / told).toBeLessThan(5e-3);
  });

  test("what fills up a text changes nothing in front of it", async () => {
    const compiled = await compile(
      await openLanguageModel(wanted),
      onnxruntime,
    );
    const length = ids.dims[1] as number;
    const end = 5;
    const changed = ids.data.slice();
    for (let i = 0; i < n; i++)
      for (let p = end; p < length; p++) changed[i * length + p] = 7;
    const [one, other] = [
      tokensLast(await compiled.logits(ids), wanted.logits),
      tokensLast(
        await compiled.logits({ ...ids, data: changed }),
        wanted.logits,
      ),
    ];
    await compiled.release();
    const tokens = wanted.logits.dims[2] as number;
    for (let i = 0; i < n; i++) {
      const from = i * length * tokens;
      const rows = [one, other].map(({ data }) =>
        data.slice(from, from + end * tokens),
      ) as [Float32Array, Float32Array];
      rows[0].forEach((v, k) => {
        expect(rows[1][k]).toBeCloseTo(v, 5);
      });
    }
  });
});

test("a table that is the head too is one weight of two uses", async () => {
  const wanted = readLanguageModel("gpt2.torchscript");
  const graph = readModel(wanted.file);
  const table = "model.transformer.wte.weight";
  const head = [...wanted.gradients.keys()].find((w) =>
    w.startsWith("onnx::"),
  )!;
  const shared = {
    ...graph,
    constants: new Map([...graph.constants].filter(([name]) => name !== head)),
    nodes: graph.nodes.flatMap((node) =>
      node.inputs.includes(head)
        ? [
            {
              ...node,
              op: "Transpose",
              name: "turned",
              inputs: [table],
              outputs: [head],
              attributes: { perm: ints([1, 0]) },
            },
            node,
          ]
        : [node],
    ),
  };
  const model = await openModel(shared, "shared", {
    task: { kind: "lm" },
    input: { shape: wanted.ids.dims.slice(1), padding: 2 },
  });
  const groups = layerGroups(model.graph);
  // It is with what reads it first.
  expect(groups[0]?.parameters).toContain(table);
  expect(groups.flatMap((g) => g.parameters)).not.toContain(head);
  let found: BatchGradient | undefined;
  const step = await openPlainStep(model, onnxruntime, {
    parts: [
      {
        async gradient(batch, at) {
          found = await at(batch);
          return found;
        },
      },
    ],
  });
  const { ids: x, targets } = wanted;
  await step.take({ x, y: new Int32Array(3), targets }, 0);
  await step.release();
  const asTable = wanted.gradients.get(table) as FloatTensor;
  const asHead = wanted.gradients.get(head) as FloatTensor;
  const [tokens = 0, width = 0] = asTable.dims;
  const both = asTable.data.map(
    (v, i) => v + asHead.data[(i % width) * tokens + Math.floor(i / width)]!,
  );
  const seen = { ...asTable, data: found?.gradients.get(table) };
  expect(
    relative(seen as FloatTensor, { ...asTable, data: both }),
  ).toBeLessThan(1e-4);
});

test("a loss of tokens is that of its classes where nothing was transposed", async () => {
  const wanted = readLanguageModel(languageModels[0] as string);
  const [n = 0, length = 0, tokens = 0] = wanted.logits.dims;
  const b = new GraphBuilder(emptyGraph("losses"));
  const z = b.input({
    name: "z",
    type: "float32",
    dims: ["n", length, tokens],
  });
  const y = b.input({ name: "y", type: "float32", dims: ["n", length] });
  const turned = b.transpose(z, [0, 2, 1]);
  const direct = b.input({
    name: "direct",
    type: "float32",
    dims: ["n", tokens * length],
  });
  const { build } = lossOf("cross-entropy-by-position", 2);
  const [fast, plain] = [
    build(b, b.reshape(turned, [-1, tokens * length]), y, ""),
    build(b, direct, y, ""),
  ];
  const graph = b.build([fast, plain]);
  // The one looks at the positions that count alone, the other at all.
  expect(graph.nodes.some(({ op }) => op === "NonZero")).toBe(true);
  const session = await onnxruntime.load(graph);
  const { data, dims } = wanted.logits;
  const rows = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < length; p++)
      for (let k = 0; k < tokens; k++)
        rows[(i * tokens + k) * length + p] =
          data[(i * length + p) * tokens + k]!;
  const found = await session.run({
    z: wanted.logits,
    y: wanted.targets,
    direct: { type: "float32", dims: [n, tokens * length], data: rows },
  });
  await session.release();
  expect(dims).toHaveLength(3);
  for (const loss of [fast, plain])
    expect(relative(found[loss], wanted.loss)).toBeLessThan(1e-5);
});
