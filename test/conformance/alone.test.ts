import { beforeAll, describe, expect, test } from "vitest";
import { trainingDefenses } from "#defenses";
import type { Model } from "#model";
import { augmentations } from "#tuning";
import { dependence } from "../../src/conformance/training-defenses.ts";
import { context, normalised, reference } from "../reference.ts";

// A private training counts on it: what a part makes of a sample does not depend on
// which others are drawn with it.

let model: Model;

beforeAll(async () => {
  model = normalised(await reference());
});

describe.each(augmentations.map((a) => [a.id, a] as const))(
  "augmentation %s",
  (_id, unit) => {
    test("says whether it makes the same of a sample whatever else is drawn", async () => {
      const open = () => unit.open(unit.params.parse({}), context(model));
      const found = await dependence(open);
      if (unit.isAlone) expect(found).toBeLessThan(1e-6);
      else expect(found).toBeGreaterThan(0.01);
    });
  },
);

test("a mixed batch of pgd-at is not made of samples alone", async () => {
  const unit = trainingDefenses.find((d) => d.id === "pgd-at")!;
  const params = unit.params.parse({ mix: 0.5, steps: 2, relStepSize: 1 });
  expect(unit.isAlone(params)).toBe(false);
  const open = () => unit.open(params, context(model));
  expect(await dependence(open)).toBeGreaterThan(0.01);
});
