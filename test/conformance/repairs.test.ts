import { expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import { invertTriggers, repairs } from "#defenses";
import { onnxruntime } from "#engine";
import type { Model } from "#model";
import { repairLaws } from "../../src/conformance/index.ts";
import {
  plantedWorld,
  repaired,
  said,
  stamped,
  TARGET,
} from "../../src/conformance/repairs.ts";
import { lawful } from "./laws.ts";

/** Parameters that make a repair quick, or that it has to be told. */
const quick: Record<string, Record<string, unknown>> = {
  unlearn: { class: "3", epochs: 4 },
  "neural-cleanse": { steps: 150, epochs: 4 },
  nad: { epochs: 4, teacherEpochs: 4 },
};

// Those of dialogues have laws of their own in test/language.
const ofAnySamples = repairs.filter(
  ({ needs }) => !needs?.includes("dialogues"),
);

lawful("repair", ofAnySamples, (unit) =>
  repairLaws(unit, {
    params: quick[unit.id],
    // The one forgets a class, the other goes further than training went.
    least: ["unlearn", "lox"].includes(unit.id) ? 0.55 : undefined,
  }),
);

const accuracy = async (model: Model, data: Dataset) => {
  const labels = await said(model, data);
  return data.y.filter((y, i) => labels[i] === y).length / data.y.length;
};

/** Share of the samples of other classes that the patch turns. */
async function success(model: Model) {
  const { test: data } = (await plantedWorld()).parts;
  const labels = await said(model, stamped(data));
  const others = [...data.y.keys()].filter((i) => data.y[i] !== TARGET);
  return others.filter((i) => labels[i] === TARGET).length / others.length;
}

test("the backdoor is planted, and absent in the clean model", async () => {
  const { planted, clean, parts } = await plantedWorld();
  expect(await success(planted)).toBeGreaterThan(0.9);
  expect(await success(clean)).toBeLessThan(0.2);
  expect(await accuracy(planted, parts.test)).toBeGreaterThan(0.85);
});

test("repairs of weights lower the success of the patch", async () => {
  const { planted } = await plantedWorld();
  const before = await success(planted);
  const found: Record<string, number> = {};
  for (const unit of repairs.filter((r) =>
    ["fine-pruning", "nad", "neural-cleanse"].includes(r.id),
  ))
    found[unit.id] = await success(
      await repaired(unit, planted, quick[unit.id]),
    );
  for (const after of Object.values(found))
    expect(after).toBeLessThan(before - 0.1);
});

test("the smallest trigger into the target class is small and stands out; in the clean model none does", async () => {
  const { planted, clean, parts } = await plantedWorld();
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
