import { expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { repairs } from "#defenses";
import { onnxruntime } from "#engine";
import { floats } from "#onnx";
import { twoLayers } from "../attacks/poisoner.ts";

const SIZE = 12;
const EACH = 200;

const identity = Array.from({ length: SIZE }, (_, i) =>
  Array.from({ length: SIZE }, (_, j) => (i === j ? 1 : 0)),
);
/** Its features are its inputs. */
const model = twoLayers(identity, identity.slice(0, 2));

/** Two classes around two points. The first `planted` of class 0 lie elsewhere. */
function clusters(planted: number): Dataset {
  const random = new Random(3);
  const y = Int32Array.from({ length: 2 * EACH }, (_, i) => i % 2);
  const x = [...y].flatMap((label, i) =>
    Array.from(
      { length: SIZE },
      (_, k) =>
        random.normal() +
        (k === 0 ? 8 * label : 0) +
        (label === 0 && i / 2 < planted && k < 8 ? 4 : 0),
    ),
  );
  return dataset("clusters", floats([y.length, SIZE], x), y, ["a", "b"]);
}

async function left(
  id: string,
  train: Dataset,
  params = {},
): Promise<number[]> {
  const unit = repairs.find((r) => r.id === id);
  if (unit?.kind !== "filter") throw new Error(`${id} is no filter`);
  const { rows, y } = await unit.filter({
    model,
    engine: onnxruntime,
    train,
    random: new Random(5),
    params: unit.params.parse(params),
  });
  expect([...y]).toEqual(rows.map((row) => train.y[row]));
  expect(rows).toEqual([...rows].sort((a, b) => a - b));
  return [...rows];
}

test.each([
  ["spectral-signatures", { epsilon: 0.05 }],
  ["activation-clustering", {}],
])("%s finds a planted 5 % of a class", async (id, params) => {
  const planted = EACH / 20;
  const rows = await left(id, clusters(planted), params);
  const kept = rows.filter((row) => row % 2 === 0 && row / 2 < planted);
  expect(kept.length / planted).toBeLessThan(0.05);
});

test("of clean data spectral signatures take the stated share of each class, activation clustering nothing", async () => {
  const train = clusters(0);
  const spectral = await left("spectral-signatures", train, { epsilon: 0.1 });
  for (const label of [0, 1])
    expect(spectral.filter((row) => train.y[row] === label).length).toBe(
      EACH - 0.15 * EACH,
    );
  expect((await left("activation-clustering", train)).length).toBe(2 * EACH);
});

test.each(["spectral-signatures", "activation-clustering"])(
  "%s leaves classes of few samples some, and empty ones alone",
  async (id) => {
    const few = dataset(
      "few",
      floats(
        [3, SIZE],
        new Float32Array(3 * SIZE).map((_, i) => i % 7),
      ),
      Int32Array.of(0, 2, 2),
      ["a", "b", "c"],
    );
    expect((await left(id, few)).length).toBeGreaterThanOrEqual(2);
  },
);

test("where the own label is as frequent as another, label sanitisation leaves it", async () => {
  // Of the two nearest of each, one is of each class.
  const places = floats([4, 1], [0, 1, -1.1, 1.5]);
  const tied = dataset("tied", places, Int32Array.of(1, 0, 1, 0), ["a", "b"]);
  const params = { k: 2, space: "inputs" };
  expect(await left("label-sanitisation", tied, params)).toHaveLength(4);
});
