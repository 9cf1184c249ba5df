import { describe, expect, test } from "vitest";
import { type Attack, attackOn, attacks, ballOf } from "#attacks";
import { AssayError, Random } from "#core";
import { onnxruntime } from "#engine";
import { type CompiledModel, compile, grantAccess, type Model } from "#model";
import { emptyGraph, type FloatTensor, floats, GraphBuilder, int } from "#onnx";
import { uniformPoints } from "./attacked.ts";
import { quick } from "./quick.ts";

const SIDE = 8;

/** Images of 8x8 through a chosen function. */
function imageModel(
  classes: number,
  build: (b: GraphBuilder, flat: string) => string,
): Model {
  const b = new GraphBuilder(emptyGraph("images"));
  const shape = [1, SIDE, SIDE];
  b.input({ name: "x", type: "float32", dims: ["batch", ...shape] });
  const flat = b.op("Flatten", ["x"], { axis: int(1) });
  const logits = build(b, flat);
  return {
    graph: b.build([logits]),
    input: "x",
    logits,
    contract: { shape, bounds: [0, 1] },
    classes: Array.from({ length: classes }, (_, i) => `c${i}`),
    straightThrough: [],
  };
}

const random = new Random(3);
const weights = (classes: number, scale = 0.3) =>
  floats(
    [classes, SIDE * SIDE],
    Array.from(
      { length: classes * SIDE * SIDE },
      () => scale * random.normal(),
    ),
  );
const linear = (
  b: GraphBuilder,
  flat: string,
  classes: number,
  scale?: number,
) =>
  b.op("Gemm", [flat, b.constant(weights(classes, scale))], {
    transB: int(1),
  });

const images = (n: number): FloatTensor => ({
  ...uniformPoints(n, SIDE * SIDE, [0.2, 0.8], 4),
  dims: [n, 1, SIDE, SIDE],
});

interface Asked {
  readonly x?: FloatTensor;
  readonly y?: Int32Array;
  readonly queries?: number;
}

async function attack(
  unit: Attack,
  victim: CompiledModel,
  { x = images(2), y = new Int32Array(x.dims[0] ?? 0), queries }: Asked = {},
) {
  const norm = unit.norms[0]!;
  const eps = { linf: 0.1, l2: 1, l1: 5, l0: 4, none: 0 }[norm];
  const limit = ballOf(norm, eps, [0, 1]);
  const { target, run } = attackOn(
    victim,
    { x, y },
    { unit, params: unit.params.parse(quick[unit.id] ?? {}) },
    { ball: limit, queries },
    {
      random: new Random(1),
      base: unit.access === "base" ? victim : undefined,
      others: { x: images(3), y: Int32Array.of(0, 1, 2) },
    },
  );
  const examples = await run();
  for (const d of limit.distance(x, examples))
    expect(d).toBeLessThanOrEqual(limit.eps + 1e-5);
  for (const v of examples.data) expect(v >= 0 && v <= 1).toBe(true);
  return { examples, target };
}

/** The answer, or undefined where a clear error was given. */
async function answered<T>(run: Promise<T>): Promise<T | undefined> {
  try {
    return await run;
  } catch (error) {
    if (error instanceof AssayError && error.hint !== "") return undefined;
    throw error;
  }
}

const each = attacks.map((a) => [a.id, a] as const);
const opened = new Map<string, Promise<CompiledModel>>();
const open = (name: string, model: () => Model) => {
  const known = opened.get(name) ?? compile(model(), onnxruntime);
  opened.set(name, known);
  return known;
};
const plain = () =>
  open("plain", () => imageModel(4, (b, x) => linear(b, x, 4)));

describe.each(each)("%s", (_id, unit) => {
  test("of no samples makes no examples", async () => {
    const { examples } = await attack(unit, await plain(), { x: images(0) });
    expect(examples.dims).toEqual([0, 1, SIDE, SIDE]);
  });

  test("keeps to any budget of queries", async () => {
    for (const queries of [1, 2, 15]) {
      const { target } = await attack(unit, await plain(), { queries });
      const { forward, gradient } = target.queries;
      expect(forward + gradient).toBeLessThanOrEqual(2 * queries);
    }
  });

  test("of a constant output breaks nothing", async () => {
    const model = await open("constant", () =>
      imageModel(4, (b, x) => linear(b, x, 4, 0)),
    );
    const made = await answered(attack(unit, model));
    for (const d of made?.target.distances ?? []) expect(d).toBe(Infinity);
  });

  test("of one class breaks nothing", async () => {
    const model = await open("one class", () =>
      imageModel(1, (b, x) => linear(b, x, 1)),
    );
    const made = await answered(attack(unit, model));
    for (const d of made?.target.distances ?? []) expect(d).toBe(Infinity);
  });

  test("of outputs that are no numbers ends, and stays in its ball", async () => {
    // log of a sum that is below 0 for half the inputs.
    const model = await open("not a number", () =>
      imageModel(4, (b, x) =>
        b.add(linear(b, x, 4), b.op("Log", [linear(b, b.sub(x, 0.5), 1)])),
      ),
    );
    const made = await answered(attack(unit, model));
    for (const v of made?.examples.data ?? []) expect(v).not.toBeNaN();
  });
});

test.each([
  [
    "fewer labels than samples",
    { y: new Int32Array(1) },
    /2 samples and 1 labels/,
  ],
  [
    "a label beyond the classes",
    { y: Int32Array.of(0, 4) },
    /label 4.*4 classes/,
  ],
  [
    "a sample outside of the bounds",
    { x: floats([1, 1, SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(1.5)) },
    /value 1.5, the bounds are 0 to 1/,
  ],
  [
    "a sample that is no number",
    {
      x: floats(
        [1, 1, SIDE, SIDE],
        new Float32Array(SIDE * SIDE).fill(Number.NaN),
      ),
    },
    /value NaN/,
  ],
] as [string, Asked, RegExp][])(
  "%s is refused",
  async (_what, asked, message) => {
    const unit = attacks.find(({ id }) => id === "pgd") as Attack;
    await expect(attack(unit, await plain(), asked)).rejects.toThrow(message);
  },
);

test("what is clipped to a bound that float32 rounds is inside", async () => {
  const model = await plain();
  const bounds = [-0.3, 0.7] as const;
  const unit = attacks.find(({ id }) => id === "fgsm") as Attack;
  const x = floats([1, 1, SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(0.2));
  const limit = ballOf("linf", 2, bounds);
  const label = (await model.logits(x)).data;
  const y = Int32Array.of(label.indexOf(Math.max(...label)));
  const { access } = unit;
  const target = grantAccess(model, { access, x, y, limit });
  const examples = await unit.run({
    target,
    x,
    y,
    ball: limit,
    params: unit.params.parse({}),
    random: [new Random(1)],
    onProgress: () => {},
  });
  expect(Math.min(...examples.data)).toBe(Math.fround(-0.3));
  expect(target.distances[0]).toBeLessThan(Infinity);
});

test("a member of an ensemble has no more than its access", async () => {
  const model = await plain();
  const x = images(1);
  const target = grantAccess(model, {
    access: "gradient",
    x,
    y: Int32Array.of(0),
    limit: ballOf("linf", 0.1, [0, 1]),
    queries: 3,
  });
  const member = target.within("label");
  await expect(member.scores(x, [0])).rejects.toThrow(/its access is "label"/);
  expect(() => member.within("score")).toThrow(/its access is "label"/);
  expect(() => target.within("base")).toThrow(/asked for base/);
  // What is counted is shared.
  await member.predict(x, [0]);
  await target.scores(x, [0]);
  await member.predict(x, [0]);
  expect(target.queries.forward).toBe(3);
  await expect(member.predict(x, [0])).rejects.toMatchObject({
    code: "QUERY_BUDGET",
  });
});
