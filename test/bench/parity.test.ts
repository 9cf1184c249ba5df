import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Norm } from "#attacks";
import { packagePath, Random } from "#core";
import { loadDataset, splitDataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, loadModel } from "#model";
import { outcomeOf } from "../../bench/parity/outcome.ts";

// What attacks of other libraries did to the same weights on the same samples:
// made by bench/parity/fixture.ts, which says how.

interface Case {
  readonly model: string;
  readonly norm: Norm;
  readonly eps: number | null;
  readonly attack: string;
  readonly params: Record<string, unknown>;
  readonly peer: string;
  readonly robust: number;
  readonly median: number | null;
}

const folder = packagePath("test/fixtures/parity");
const { samples, cases } = JSON.parse(
  readFileSync(join(folder, "outcomes.json"), "utf8"),
) as { samples: number; cases: Case[] };
const digits = loadDataset({ source: "digits" }, packagePath(".")).then(
  (all) =>
    splitDataset(all, { train: 0.7, validation: 0.1, test: 0.2 }, new Random(1))
      .test,
);
const models = new Map(
  ["plain", "robust"].map((name) => [
    name,
    loadModel(join(folder, `${name}.onnx`)).then((model) =>
      compile(model, onnxruntime),
    ),
  ]),
);

test.each(cases)(
  "$attack in $norm at $eps breaks the $model model as $peer does",
  async ({ model, robust, median, ...row }) => {
    const { x, y } = await digits;
    const compiled = await models.get(model);
    if (!compiled) throw new Error(`there is no model ${model}`);
    const found = await outcomeOf(compiled, { ...row, samples, seed: 0 }, x, y);
    if (row.eps === null) {
      expect(found.median).toBeLessThanOrEqual(1.03 * (median ?? Infinity));
    } else {
      // Of a hundred samples the luck of random starts decides one or two.
      expect(Math.abs(found.robust - robust)).toBeLessThanOrEqual(0.02 + 1e-6);
    }
  },
);
