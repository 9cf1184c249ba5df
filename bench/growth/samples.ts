import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attackOn, attacks, ballOf } from "#attacks";
import { Random } from "#core";
import { dataSpecSchema, dataset, loadDataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, layerGroups, type Model } from "#model";
import { settingsSchema, tune } from "#tuning";
import { samplesFor, small, wide } from "./models.ts";
import type { Sweep, Timed } from "./sweep.ts";

async function attacking(
  model: Model,
  n: number,
  id: string,
  params: Record<string, number>,
): Promise<Timed> {
  const unit = attacks.find((a) => a.id === id)!;
  const compiled = await compile(model, onnxruntime);
  const x = samplesFor(model, n);
  const ball = ballOf(unit.norms[0]!, 0.1, [0, 1]);
  return {
    run: () =>
      attackOn(
        compiled,
        { x, y: new Int32Array(n) },
        { unit, params: unit.params.parse(params) },
        { ball },
        { random: new Random(1) },
      ).run(),
    release: () => compiled.release(),
  };
}

function tuning(model: Model, n: number): Timed {
  const { classes, graph } = model;
  const y = Int32Array.from({ length: n }, (_, i) => i % classes.length);
  const data = dataset("growth", samplesFor(model, n), y, classes);
  const groups = layerGroups(graph);
  const rates = new Map(groups.flatMap((g) => g.parameters.map((p) => [p, 1])));
  return {
    run: () =>
      tune({
        ...{ model, train: data, validation: data, groups },
        stages: [{ rates, epochs: 1 }],
        settings: settingsSchema.parse({}),
        engine: onnxruntime,
        random: new Random(1),
      }),
  };
}

function reading(rows: number, columns: number): Timed {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  const random = new Random(3);
  const lines = Array.from({ length: rows }, (_, i) =>
    [
      ...Array.from({ length: columns }, () => random.uniform().toFixed(5)),
      i % 2 === 0 ? "no" : "yes",
    ].join(","),
  );
  const names = Array.from({ length: columns }, (_, i) => `f${i}`);
  writeFileSync(
    join(folder, "rows.csv"),
    `${[[...names, "label"].join(","), ...lines].join("\n")}\n`,
  );
  const spec = { source: "csv", path: "rows.csv", label: "label" } as const;
  return {
    run: () => loadDataset(dataSpecSchema.parse(spec), folder),
    release: () => rmSync(folder, { recursive: true }),
  };
}

/** Steps whose cost follows samples and their width. */
export const sampleSweeps: readonly Sweep[] = [
  {
    step: "PGD",
    over: "samples",
    sizes: [256, 512, 1024, 2048],
    open: (n) => attacking(small(), n, "pgd", { steps: 10 }),
  },
  {
    step: "Square",
    over: "samples",
    sizes: [256, 512, 1024, 2048],
    open: (n) => attacking(small(), n, "square", { queries: 50 }),
  },
  {
    step: "PGD",
    over: "features",
    sizes: [1024, 2048, 4096, 8192],
    open: (n) => attacking(wide(n, 2), 64, "pgd", { steps: 10 }),
  },
  {
    step: "APGD-T",
    over: "classes",
    sizes: [64, 128, 256, 512],
    open: (k) => attacking(wide(16, k), 64, "apgd-t", { steps: 10 }),
  },
  {
    step: "fine-tuning",
    over: "samples",
    sizes: [256, 512, 1024, 2048],
    open: (n) => tuning(small(), n),
  },
  {
    step: "fine-tuning",
    over: "classes",
    sizes: [512, 1024, 2048, 4096],
    open: (k) => tuning(wide(16, k), 256),
  },
  {
    step: "reading CSV",
    over: "samples",
    sizes: [1000, 2000, 4000, 8000],
    open: (n) => reading(n, 20),
  },
  {
    step: "reading CSV",
    over: "features",
    sizes: [50, 100, 200, 400],
    open: (n) => reading(500, n),
  },
];
