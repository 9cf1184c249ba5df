import { beforeAll, expect, test } from "vitest";
import { type Attack, attackOn, attacks, ballOf } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { argmaxRows, type CompiledModel, compile } from "#model";
import { type FloatTensor, floats, takeRows } from "#onnx";
import { scaled, type Table, tableOf, unscaled } from "#tables";
import { architectures } from "#tuning";
import { linearModel } from "../reference.ts";

const number = { kind: "number", change: "any" } as const;
const table: Table = tableOf(
  [
    { name: "age", kind: "integer", range: [18, 90], change: "none" },
    { name: "visits", kind: "integer", range: [0, 40], change: "up" },
    {
      name: "home",
      kind: "category",
      range: [0, 1],
      values: ["rent", "own", "none"],
      change: "any",
    },
    { ...number, name: "income", range: [0, 5000] },
    { ...number, name: "debt", range: [0, 5000] },
    { ...number, name: "sum", range: [0, 10000] },
    { ...number, name: "share", range: [0, 1], change: "down" },
  ],
  [
    { formula: "sum = income + debt", tolerance: 0 },
    { formula: "debt <= income or `home:own` = 1", tolerance: 0 },
    { formula: "income >= 10 * visits", tolerance: 0 },
  ],
);

/** The same rules over again, from the values of a row as a file would have them. */
function possible(clean: Float64Array, raw: Float64Array): boolean {
  const [age, visits, rent, own, none, income, debt, sum, share] =
    raw as unknown as number[];
  const was = clean as unknown as number[];
  const near = (a = 0, b = 0) => Math.abs(a - b) <= 2e-3;
  const group = [rent, own, none];
  return (
    age === was[0] &&
    Number.isInteger(visits) &&
    (visits as number) >= was[1]! &&
    (visits as number) <= 40 &&
    group.filter((v) => v === 1).length === 1 &&
    group.filter((v) => v === 0).length === 2 &&
    (share as number) <= was[8]! &&
    near(sum, (income as number) + (debt as number)) &&
    ((debt as number) <= (income as number) + 2e-3 || own === 1) &&
    (income as number) >= 10 * (visits as number) - 2e-3 &&
    [income, debt, share].every((v) => (v as number) >= 0)
  );
}

const COUNT = 40;
let model: CompiledModel;
let x: FloatTensor;
let y: Int32Array;

beforeAll(async () => {
  const random = new Random(4);
  const rows = Array.from({ length: COUNT }, () => {
    const visits = random.below(20);
    const income = 200 + 2000 * random.uniform();
    const debt = income * random.uniform();
    const home = random.below(3);
    const raw = [
      18 + random.below(60),
      visits,
      ...[0, 1, 2].map((k) => (k === home ? 1 : 0)),
      income,
      debt,
      income + debt,
      random.uniform(),
    ];
    return raw.map((v, i) => scaled(table.features[i]!, v));
  });
  const width = table.features.length;
  x = floats([COUNT, width], Float32Array.from(rows.flat()));
  const mlp = architectures.find((a) => a.id === "mlp");
  if (!mlp) throw new Error("there is an mlp");
  model = await compile(
    mlp.build([width], ["no", "yes", "maybe"], new Random(8)),
    onnxruntime,
  );
  y = argmaxRows(await model.logits(x));
});

async function attack(id: string, eps = 0.5, rows?: number[], params = {}) {
  const unit = attacks.find((a) => a.id === id) as Attack;
  const quick =
    id === "moeva" || id === "caa"
      ? { generations: 25, population: 60, offspring: 40 }
      : {};
  const { target, run } = attackOn(
    model,
    { x, y },
    { unit, params: unit.params.parse({ ...quick, ...params }) },
    { ball: ballOf("l2", eps, [0, 1], table) },
    { rows, random: new Random(2) },
  );
  return {
    examples: await run(),
    broken: target.brokenAt.filter((q) => q > 0).length,
    target,
  };
}

test.each(["capgd", "moeva", "caa", "pgd", "apgd-ce", "noise", "simba"])(
  "%s gives rows that there can be, and no others",
  async (id) => {
    const { examples } = await attack(id);
    for (let i = 0; i < COUNT; i++) {
      const clean = unscaled(table, takeRows(x, [i]).data);
      const raw = unscaled(table, takeRows(examples, [i]).data);
      expect(possible(clean, raw)).toBe(true);
      expect(takeRows(examples, [i]).data[0]).toBe(takeRows(x, [i]).data[0]);
    }
  },
);

test("attacks that know the constraints break what others cannot, and CAA at least what its first part does", async () => {
  const counts = new Map<string, number>();
  for (const id of ["pgd", "capgd", "moeva", "caa"])
    counts.set(id, (await attack(id)).broken);
  const of = (id: string) => counts.get(id) as number;
  // Columns that are defined or whole are never met by chance.
  expect(of("pgd")).toBe(0);
  expect(of("capgd")).toBeGreaterThan(COUNT / 4);
  expect(of("moeva")).toBeGreaterThan(COUNT / 4);
  expect(of("caa")).toBeGreaterThanOrEqual(of("capgd"));
});

test("a search does not depend on which rows are searched beside it", async () => {
  const whole = await attack("moeva", 0.4);
  const part = await attack("moeva", 0.4, [3, 17]);
  expect(takeRows(part.examples, [3, 17])).toEqual(
    takeRows(whole.examples, [3, 17]),
  );
});

test("the search keeps to the queries that it has", async () => {
  const unit = attacks.find((a) => a.id === "moeva") as Attack;
  const { target, run } = attackOn(
    model,
    { x, y },
    { unit, params: unit.params.parse({ population: 20, offspring: 20 }) },
    { ball: ballOf("l2", 0.01, [0, 1], table), queries: 95 },
    { random: new Random(2) },
  );
  await run();
  expect(target.queries.forward).toBeLessThanOrEqual(95 * COUNT);
  expect(target.queries.forward).toBeGreaterThan(80 * (COUNT - 5));
});

test("capgd moves what a column follows from, where the model looks at that column alone", async () => {
  const width = table.features.length;
  const sum = table.features.findIndex(({ name }) => name === "sum");
  const weights = [1, -1].map((sign) =>
    Array.from({ length: width }, (_, i) => (i === sum ? sign : 0)),
  );
  const bySum = await compile(linearModel(weights, [-0.5, 0.5]), onnxruntime);
  const unit = attacks.find((a) => a.id === "capgd") as Attack;
  const { target, run } = attackOn(
    bySum,
    { x, y: argmaxRows(await bySum.logits(x)) },
    { unit, params: unit.params.parse({ restarts: 1 }) },
    { ball: ballOf("l2", 0.5, [0, 1], table) },
    { random: new Random(2) },
  );
  await run();
  const broken = target.brokenAt.filter((q) => q > 0).length;
  expect(broken).toBeGreaterThan(COUNT / 4);
});
