import fc from "fast-check";
import { expect, test } from "vitest";
import { type Tampering, trialAttacks } from "#attacks";
import { Random } from "#core";
import { dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import { emptyGraph, floats, GraphBuilder } from "#onnx";
import { architectures } from "#tuning";
import { toBytes } from "../../attacks/tampering/eight-bit.ts";
import { toHalf } from "../../attacks/tampering/quantise.ts";
import { runs } from "../runs.ts";

const random = new Random("tampering");
const classes = ["a", "b", "c"];
const x = floats(
  [24, 1, 8, 8],
  Float32Array.from({ length: 24 * 64 }, () => random.uniform()),
);
const y = Int32Array.from({ length: 24 }, (_, i) => i % 3);
const data = dataset("noise", x, y, classes);
const build = (id: string, seed = "weights") =>
  (
    architectures.find((a) => a.id === id) as (typeof architectures)[number]
  ).build([1, 8, 8], classes, new Random(seed));
const cnn = build("small-cnn");
const base = build("small-cnn", "base");

const tamperings = trialAttacks.filter(
  (a) => a.kind === "tampering",
) as Tampering[];
const byId = (id: string) => tamperings.find((t) => t.id === id) as Tampering;

async function logitsOf(model: typeof cnn) {
  const compiled = await compile(model, onnxruntime);
  const { data: values } = await compiled.logits(x);
  await compiled.release();
  return values;
}

const input = (model: typeof cnn, unit: Tampering, level: number) => ({
  model,
  base,
  level,
  data,
  engine: onnxruntime,
  params: unit.params.parse({}) as never,
  random: new Random("level"),
});

test.each(tamperings.map((t) => [t.id, t] as const))(
  "%s leaves the released model as it was, and does the same again",
  async (_, unit) => {
    const before = await logitsOf(cnn);
    const level = unit.levels(unit.params.parse({}) as never)[0]!;
    const one = await unit.tamper(input(cnn, unit, level));
    const two = await unit.tamper(input(cnn, unit, level));
    expect(await logitsOf(cnn)).toEqual(before);
    const found = await logitsOf(one);
    expect(await logitsOf(two)).toEqual(found);
    expect(found).not.toEqual(before);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(() => unit.params.parse({ nonsense: 1 })).toThrow();
  },
);

test("the whole way back is the base, and a random one is as long", async () => {
  const unit = byId("base-interpolation");
  const back = await unit.tamper(input(cnn, unit, 1));
  expect(await logitsOf(back)).toEqual(await logitsOf(base));
  const control = byId("base-random-move");
  const away = await control.tamper(input(cnn, control, 0.5));
  const far = (from: Model, to: Model, name: string) => {
    const [a, b] = [from, to].map(
      ({ graph }) => graph.constants.get(name)!.data as Float32Array,
    ) as [Float32Array, Float32Array];
    return Math.hypot(...a.map((v, i) => v - b[i]!));
  };
  for (const name of ["conv1.weight", "hidden.weight"])
    expect(far(cnn, away, name)).toBeCloseTo(far(cnn, base, name) / 2, 3);
});

test("a model of other names has no way back, and one line says so", async () => {
  const unit = byId("base-interpolation");
  const at = { ...input(cnn, unit, 1), base: null };
  await expect(unit.tamper(at)).rejects.toThrow(/no weight of the same name/);
});

test("conversions stay near the model", async () => {
  const exact = await logitsOf(cnn);
  const size = Math.max(...exact.map(Math.abs));
  for (const [id, level, share] of [
    ["int8", 8, 0.1],
    ["float16", 16, 0.005],
  ] as const) {
    const model = await byId(id).tamper(input(cnn, byId(id), level));
    const found = await logitsOf(model);
    const far = Math.max(...exact.map((v, i) => Math.abs(v - found[i]!)));
    expect(far).toBeLessThan(share * size);
  }
});

test("half precision rounds to the nearest, ties to even", () => {
  expect(toHalf(1 + 2 ** -11)).toBe(1);
  expect(toHalf(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
  expect(toHalf(65519)).toBe(65504);
  expect(toHalf(65520)).toBe(Infinity);
  expect(toHalf(2 ** -24)).toBe(2 ** -24);
  expect(toHalf(2 ** -26)).toBe(0);
  fc.assert(
    fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (v) => {
      const step = Math.max(
        2 ** -24,
        2 ** (Math.floor(Math.log2(Math.abs(v) || 1)) - 10),
      );
      expect(Math.abs(toHalf(v) - v)).toBeLessThanOrEqual(step / 2);
    }),
    runs(200),
  );
});

test("pruning sets the stated share of each matrix to zero", async () => {
  const pruned = await byId("pruning").tamper(input(cnn, byId("pruning"), 0.5));
  for (const [name, { dims, data: values }] of pruned.graph.constants) {
    if (dims.length < 2 || values === cnn.graph.constants.get(name)?.data)
      continue;
    const zeros = [...(values as Float32Array)].filter((v) => v === 0).length;
    expect(zeros).toBe(Math.round(values.length / 2));
  }
});

/** Logits are x W, with the features first. */
function linear(width: number): Model {
  const b = new GraphBuilder(emptyGraph("linear"));
  const input = b.input({ name: "x", type: "float32", dims: ["batch", width] });
  const draws = new Random("linear");
  const weight = floats(
    [width, 3],
    Float32Array.from({ length: 3 * width }, () => draws.normal()),
  );
  const logits = b.matmul(input, b.constant(weight, "weight"));
  return {
    ...cnn,
    graph: b.build([logits]),
    input,
    logits,
    contract: { ...cnn.contract, shape: [width] },
  };
}

/** Mean cross-entropy of x W. */
function lossOf(rows: Float32Array, weight: ArrayLike<number>, width: number) {
  let sum = 0;
  for (let i = 0; i < y.length; i++) {
    const z = [0, 1, 2].map((k) => {
      let dot = 0;
      for (let d = 0; d < width; d++)
        dot += rows[i * width + d]! * weight[3 * d + k]!;
      return dot;
    });
    const most = Math.max(...z);
    sum += most + Math.log(z.reduce((a, v) => a + Math.exp(v - most), 0));
    sum -= z[y[i]!]!;
  }
  return sum / y.length;
}

test("in one layer the chosen bit is the one that exhaustive search finds", async () => {
  const width = 6;
  const model = linear(width);
  const rows = floats([24, width], x.data.slice(0, 24 * width));
  const before = model.graph.constants.get("weight")?.data as Float32Array;
  const { scale, bytes } = toBytes(before);
  const trials = [...bytes.keys()].flatMap((place) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => {
      const weight = Float64Array.from(bytes, (v) => scale * v);
      const byte = ((bytes[place]! ^ (1 << bit)) << 24) >> 24;
      weight[place] = scale * byte;
      return { place, byte, loss: lossOf(rows.data, weight, width) };
    }),
  );
  const best = trials.reduce((a, b) => (b.loss > a.loss ? b : a));
  const unit = byId("bit-flips");
  const flipped = await unit.tamper({
    ...input(model, unit, 1),
    data: dataset("rows", rows, y, classes),
  });
  const after = flipped.graph.constants.get("weight")?.data as Float32Array;
  const changed = [...bytes.keys()].filter(
    (i) => Math.round(after[i]! / scale) !== bytes[i],
  );
  expect(changed).toEqual([best.place]);
  expect(Math.round(after[best.place]! / scale)).toBe(best.byte);
});
