import { expect, test } from "vitest";
import { poisoned } from "#attacks";
import { Random, solve } from "#core";
import { type Dataset, dataset } from "#data";
import { onnxruntime } from "#engine";
import {
  compile,
  layerGroups,
  type Model,
  openFeatures,
  openMatcher,
} from "#model";
import { floats, rows as rowsBetween, takeRows } from "#onnx";
import { labelSanitisation } from "../../defenses/repair/label-sanitisation.ts";
import { reference, smallDigits } from "../reference.ts";
import { poisonOf, twoLayers } from "./poisoner.ts";

const normals = (n: number, width: number, random: Random) =>
  Array.from({ length: n }, () =>
    Array.from({ length: width }, () => random.normal()),
  );

test("Poison Frogs through linear features F ends at (F'F + beta I)^-1 (F'F t + beta b)", async () => {
  const random = new Random(1);
  const [width, size] = [3, 6];
  const f = normals(width, size, random);
  const model = twoLayers(f, normals(2, width, random));
  const train = dataset(
    "points",
    floats([4, size], normals(4, size, random).flat()),
    Int32Array.of(0, 1, 1, 0),
    ["a", "b"],
  );
  const t = normals(1, size, random).flat();
  const beta0 = 0.8;
  const beta = beta0 * (width / size) ** 2;
  const { rows, x } = await poisonOf("poison-frogs", model, train, {
    count: 2,
    aim: { x: floats([1, size], t), to: 1 },
    params: { beta0, steps: 2000 },
    bounds: [-100, 100],
  });
  expect([...rows].sort()).toEqual([1, 2]);
  const at = (i: number, j: number) =>
    f.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
  const a = Float64Array.from(
    { length: size * size },
    (_, k) =>
      at(Math.floor(k / size), k % size) +
      (Math.floor(k / size) === k % size ? beta : 0),
  );
  rows.forEach((row, i) => {
    const b = train.x.data.subarray(row * size, (row + 1) * size);
    const v = Float64Array.from(
      { length: size },
      (_, r) =>
        t.reduce((sum, value, c) => sum + at(r, c) * value, 0) + beta * b[r]!,
    );
    solve(a, v).forEach((wanted, k) => {
      expect(x.data[i * size + k]).toBeCloseTo(wanted, 3);
    });
  });
});

const allWeights = (model: Model) =>
  layerGroups(model.graph).flatMap((g) => g.parameters);

test("the gradient of a poison that is the target itself, with the wanted label, matches", async () => {
  const model = await reference();
  const { test: samples } = await smallDigits();
  const target = takeRows(samples.x, [0]);
  const matcher = await openMatcher(model, allWeights(model), 1, onnxruntime);
  const label = Int32Array.of(2);
  const wanted = await matcher.gradients(target, label);
  expect((await matcher.match(target, label, wanted)).loss).toBeCloseTo(0, 5);
  const other = takeRows(samples.x, [1]);
  expect((await matcher.match(other, label, wanted)).loss).toBeGreaterThan(
    0.01,
  );
  await matcher.release();
});

test("matched gradients of the head are residual times features, and the slope is that of the loss", async () => {
  const model = await reference();
  const { test: samples } = await smallDigits();
  const x = takeRows(samples.x, [3, 4, 5]);
  const y = Int32Array.of(1, 1, 1);
  const target = takeRows(samples.x, [0]);
  const head = layerGroups(model.graph).at(-1)?.parameters as string[];
  const map = await openFeatures(model, onnxruntime);
  const compiled = await compile(model, onnxruntime);
  const closed = async (points: typeof x, labels: Int32Array) => {
    const h = await map.of(points);
    const z = await compiled.logits(points);
    const classes = model.classes.length;
    const g = new Float64Array(classes * (map.width + 1));
    labels.forEach((label, i) => {
      const row = [...(rowsBetween(z, i, i + 1).data as Float32Array)];
      const sum = row.reduce((s, v) => s + Math.exp(v), 0);
      row.forEach((v, c) => {
        const residual = Math.exp(v) / sum - (c === label ? 1 : 0);
        for (let k = 0; k <= map.width; k++)
          g[c * (map.width + 1) + k]! +=
            residual * (k === map.width ? 1 : h.data[i * map.width + k]!);
      });
    });
    return g;
  };
  const dot = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  const g = await closed(x, y);
  const t = await closed(target, Int32Array.of(1));
  const matcher = await openMatcher(model, head, 3, onnxruntime);
  const wanted = await matcher.gradients(target, Int32Array.of(1));
  const { loss, slope } = await matcher.match(x, y, wanted);
  expect(loss).toBeCloseTo(1 - dot(g, t) / Math.sqrt(dot(g, g) * dot(t, t)), 4);
  const step = 1e-3;
  const direction = slope.data.map(Math.sign);
  const moved = async (by: number) =>
    (
      await matcher.match(
        floats(
          x.dims,
          x.data.map((v, k) => v + by * direction[k]!),
        ),
        y,
        wanted,
      )
    ).loss;
  const difference = ((await moved(step)) - (await moved(-step))) / (2 * step);
  const along = slope.data.reduce((sum, v) => sum + Math.abs(v), 0);
  expect(Math.abs(difference - along)).toBeLessThan(0.05 * along);
  await Promise.all([matcher.release(), map.release(), compiled.release()]);
});

test("Bullseye Polytope moves the mean of the features onto the target", async () => {
  const model = await reference();
  const { train, test: samples } = await smallDigits();
  const row = [...samples.y.keys()].find((i) => samples.y[i] === 0) as number;
  const aim = { x: takeRows(samples.x, [row]), to: 1 };
  const map = await openFeatures(model, onnxruntime);
  const goal = (await map.of(aim.x)).data;
  const off = async (points: Dataset["x"]) => {
    const { data, dims } = await map.of(points);
    return goal.reduce((sum, v, k) => {
      let mean = 0;
      for (let i = 0; i < dims[0]!; i++)
        mean += data[i * map.width + k]! / dims[0]!;
      return sum + (mean - v) ** 2;
    }, 0);
  };
  const { rows, x } = await poisonOf("bullseye-polytope", model, train, {
    count: 5,
    aim,
    params: { steps: 150, eps: 0.3 },
  });
  expect(await off(x)).toBeLessThan(0.5 * (await off(takeRows(train.x, rows))));
  await map.release();
});

/** The share of poisons that label sanitisation gives another label. */
async function noticed(
  model: Model,
  train: Dataset,
  poison: Parameters<typeof poisoned>[1],
  params: Record<string, unknown> = {},
): Promise<number> {
  const set = poisoned(train, poison);
  const { y } = await labelSanitisation.filter({
    model,
    engine: onnxruntime,
    train: set,
    random: new Random(1),
    params: labelSanitisation.params.parse(params),
  });
  return (
    poison.rows.filter((row) => y[row] !== set.y[row]).length /
    poison.rows.length
  );
}

test("flips that lie together are not noticed by label sanitisation, scattered ones are", async () => {
  const model = await reference();
  const { train } = await smallDigits();
  const share = async (gathered: boolean) =>
    noticed(
      model,
      train,
      await poisonOf("label-flip-targeted", model, train, {
        count: 12,
        params: { gathered },
      }),
    );
  expect(await share(false)).toBeGreaterThan(0.6);
  expect(await share(true)).toBeLessThan(0.4);
});

test("a collision of features is noticed where it is alone, and not among many", async () => {
  const model = await reference();
  const { train, test: samples } = await smallDigits();
  const row = [...samples.y.keys()].find((i) => samples.y[i] === 0) as number;
  const aim = { x: takeRows(samples.x, [row]), to: 1 };
  const frogs = async (count: number) =>
    noticed(
      model,
      train,
      await poisonOf("poison-frogs", model, train, {
        count,
        aim,
        params: { steps: 60 },
      }),
    );
  expect(await frogs(2)).toBe(1);
  expect(await frogs(12)).toBeLessThan(0.3);
});

test("poisons within eps stay among their own class, in inputs and in features", async () => {
  const model = await reference();
  const { train, test: samples } = await smallDigits();
  const row = [...samples.y.keys()].find((i) => samples.y[i] === 0) as number;
  const poison = await poisonOf("bullseye-polytope", model, train, {
    count: 12,
    aim: { x: takeRows(samples.x, [row]), to: 1 },
    params: { steps: 100 },
  });
  for (const space of ["features", "inputs"])
    expect(await noticed(model, train, poison, { space })).toBeLessThan(0.3);
});
