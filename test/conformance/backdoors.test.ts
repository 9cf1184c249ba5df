import { describe, expect, test } from "vitest";
import { type Backdoor, type Planted, trialAttacks } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { type FloatTensor, takeRows } from "#onnx";
import { reference, smallDigits } from "../reference.ts";

/** Parameters that suit images of 8x8 pixels and a short test. */
const suited: Record<string, Record<string, unknown>> = {
  badnets: { size: 2 },
  "clean-label": { size: 2, steps: 5 },
  "adaptive-patch": { size: 2 },
  latent: { size: 3, epochs: 1, steps: 5 },
};

const COUNT = 12;
const TARGET = 1;

const backdoors = trialAttacks.filter(
  (a): a is Backdoor => a.kind === "backdoor",
);

async function planted(
  unit: Backdoor,
  count: number,
  seed = 7,
): Promise<Planted> {
  const { train, validation } = await smallDigits();
  return unit.plant({
    train,
    count,
    target: TARGET,
    base: await reference(),
    source: { train, validation },
    params: unit.params.parse(suited[unit.id] ?? {}),
    random: new Random(seed),
    engine: onnxruntime,
    surrogate: reference,
    once: (_name, make) => make(),
  });
}

const plans = new Map<string, Promise<Planted>>();

/** The plan of a backdoor, made once. */
function plan(unit: Backdoor): Promise<Planted> {
  const known = plans.get(unit.id) ?? planted(unit, COUNT);
  plans.set(unit.id, known);
  return known;
}

const rowOf = (x: FloatTensor, row: number) => takeRows(x, [row]).data;

describe.each(backdoors.map((b) => [b.id, b] as const))(
  "backdoor %s",
  (_id, unit) => {
    test("has a trigger that changes every sample by itself, always alike and inside the bounds", async () => {
      const { trigger } = await plan(unit);
      const { x } = (await smallDigits()).test;
      const before = Float32Array.from(x.data);
      const marked = trigger(x);
      expect(x.data).toEqual(before);
      expect(trigger(x)).toEqual(marked);
      expect(trigger(takeRows(x, [4, 2])).data).toEqual(
        takeRows(marked, [4, 2]).data,
      );
      expect(marked.dims).toEqual(x.dims);
      expect(marked.data.every((v) => v >= 0 && v <= 1)).toBe(true);
      for (let i = 0; i < (x.dims[0] ?? 0); i++)
        expect(rowOf(marked, i)).not.toEqual(rowOf(x, i));
    });

    test("is planted alike under its seed", async () => {
      const again = await planted(unit, COUNT);
      const first = await plan(unit);
      const { x } = (await smallDigits()).test;
      expect(again.trigger(x)).toEqual(first.trigger(x));
      expect(again.poisons).toEqual(first.poisons);
      expect(fingerprint(again)).toEqual(fingerprint(first));
    });

    test("names its paper and what its attacker knows", () => {
      expect(unit.reference).toMatch(/\d{4}/);
      expect(unit.threat).not.toMatch(/\.$/);
      expect(unit.taxonomy.nist.length).toBeGreaterThan(0);
    });
  },
);

describe.each(
  backdoors.filter((b) => b.place === "data").map((b) => [b.id, b] as const),
)("backdoor %s in the data", (_id, unit) => {
  test("changes no more samples than it says, and only labels of poisons", async () => {
    const { changes, poisons, covers } = await plan(unit);
    const { train } = await smallDigits();
    if (!("train" in changes)) throw new Error("it changes the data");
    const after = changes.train;
    expect(poisons.length).toBeGreaterThan(0);
    expect(poisons.length).toBeLessThanOrEqual(COUNT);
    expect(new Set([...poisons, ...covers]).size).toBe(
      poisons.length + covers.length,
    );
    for (const [row, label] of train.y.entries()) {
      const isPoison = poisons.includes(row);
      if (isPoison || covers.includes(row))
        expect(rowOf(after.x, row)).not.toEqual(rowOf(train.x, row));
      else expect(rowOf(after.x, row)).toEqual(rowOf(train.x, row));
      expect(after.y[row]).toBe(isPoison ? TARGET : label);
      if (isPoison) expect(label === TARGET).toBe(unit.cleanLabel);
    }
    expect(after.x.data.every((v) => v >= 0 && v <= 1)).toBe(true);
  });

  test("has the same trigger whatever the budget, and more poisons where it is larger", async () => {
    const few = await planted(unit, 3);
    const many = await plan(unit);
    const { x } = (await smallDigits()).test;
    expect(few.trigger(x)).toEqual(many.trigger(x));
    expect(few.poisons).toEqual(many.poisons.slice(0, 3));
  });

  test("says so where there are not enough samples", async () => {
    const { poisons, notes } = await planted(unit, 10_000);
    expect(notes.join()).toContain(`only ${poisons.length} of 10000 samples`);
  });
});

/** Something that is equal where the changes are. */
function fingerprint({ changes }: Planted): unknown {
  return "train" in changes
    ? changes.train.fingerprint
    : [...changes.base.graph.constants].map(([name, { data }]) => [name, data]);
}
