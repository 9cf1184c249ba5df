import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { checkReferences, loadSuite, planCells, planTrials } from "#audit";
import { packagePath } from "#core";

const suites = readdirSync(packagePath("suites")).filter((name) =>
  name.endsWith(".yaml"),
);

test.each(suites)(
  "suites/%s is a suite with something to run",
  async (name) => {
    const { suite, file } = await loadSuite(packagePath("suites", name));
    expect(() => checkReferences(suite, file)).not.toThrow();
    expect(planCells(suite).length + planTrials(suite).length).toBeGreaterThan(
      0,
    );
  },
);
