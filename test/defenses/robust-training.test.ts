import { beforeAll, expect, test } from "vitest";
import { Random } from "#core";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { asPart, type TrainingDefense, tuneEvenly } from "#tuning";
import { tango } from "../../src/audit/statistics/paired.ts";
import { attacked } from "../attacks/attacked.ts";
import { settings, smallDigits, untrained } from "../reference.ts";

const EPS = 0.2;

/** Whether each of 60 test samples stands under AutoAttack. */
async function standing(id?: string, params: object = {}): Promise<boolean[]> {
  const parts = await smallDigits();
  const model = { ...untrained(), classes: parts.train.classes };
  const unit = trainingDefenses.find((d) => d.id === id) as TrainingDefense;
  const { model: tuned } = await tuneEvenly({
    model,
    ...parts,
    epochs: 15,
    settings: settings({ learningRate: 5e-3, patience: null }),
    parts: id ? [asPart({ unit, params: unit.params.parse(params) })] : [],
    engine: onnxruntime,
    random: new Random(1),
  });
  const { distances } = await attacked("autoattack", tuned, parts.test, {
    norm: "linf",
    eps: EPS,
    params: { steps: 6, queries: 30 },
  });
  return distances.map((d) => d === Number.POSITIVE_INFINITY);
}

let plain: boolean[];
beforeAll(async () => {
  plain = await standing();
});

const search = { eps: EPS, steps: 3, relStepSize: 0.5 };

test.each([
  ["pgd-at", search],
  ["trades", search],
  ["autolora", search],
])("%s stands above standard training under AutoAttack", async (id, params) => {
  const robust = await standing(id, params);
  const count = (first: boolean, second: boolean) =>
    robust.filter((r, i) => r === first && plain[i] === second).length;
  const difference = tango({
    both: count(true, true),
    onlyFirst: count(true, false),
    onlySecond: count(false, true),
    neither: count(false, false),
  });
  // The whole 95 % interval of the paired difference.
  expect(difference.low).toBeGreaterThan(0);
});
