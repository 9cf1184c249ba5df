import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRun, runAudit, type SuiteInput } from "#audit";
import { Random } from "#core";
import { writeModel } from "#onnx";
import { renderHtml } from "#reports";
import { architectureOf } from "#tuning";
import type { Sweep, Timed } from "./sweep.ts";

const CLASSES = ["0", "1", "2", "3", "4"];

/** A suite of so many cells, each of which costs next to nothing. */
function suiteOf(folder: string, cells: number): SuiteInput {
  const candidates = ["a", "b", "c", "d"];
  candidates.forEach((id, seed) => {
    const { build } = architectureOf("small-cnn");
    const { graph } = build([1, 8, 8], CLASSES, new Random(seed));
    writeModel(join(folder, `${id}.onnx`), graph);
  });
  const budgets = Array.from(
    { length: cells / candidates.length / 2 },
    (_, i) => [`eps-${i}`, { norm: "linf" as const, eps: (i + 1) / 1000 }],
  );
  return {
    version: 1,
    title: "growth",
    data: { source: "digits" },
    classes: CLASSES,
    samples: 10,
    candidates: Object.fromEntries(
      candidates.map((id) => [
        id,
        { model: join(folder, `${id}.onnx`), input: { shape: [1, 8, 8] } },
      ]),
    ),
    threatModels: Object.fromEntries(budgets),
    attacks: { fgsm: "fgsm", noise: "noise" },
  };
}

const withFolder =
  (open: (folder: string, cells: number) => Promise<Timed> | Timed) =>
  async (cells: number): Promise<Timed> => {
    const folder = mkdtempSync(join(tmpdir(), "assay-"));
    const { run, release } = await open(folder, cells);
    return {
      run,
      async release() {
        await release?.();
        rmSync(folder, { recursive: true });
      },
    };
  };

const optionsOf = (folder: string, cells: number) => ({
  suite: suiteOf(folder, cells),
  out: join(folder, "run"),
  engine: {},
});

/** Steps whose cost follows the cells of a suite. */
export const cellSweeps: readonly Sweep[] = [
  {
    step: "planning",
    over: "cells",
    sizes: [128, 256, 512, 1024],
    open: withFolder((folder, cells) => {
      const options = optionsOf(folder, cells);
      return { run: () => openRun(options) };
    }),
  },
  {
    step: "a whole run",
    over: "cells",
    sizes: [16, 32, 64, 128],
    open: withFolder((folder, cells) => {
      const options = optionsOf(folder, cells);
      let runs = 0;
      return {
        run: () => runAudit({ ...options, out: join(folder, `run-${runs++}`) }),
      };
    }),
  },
  {
    step: "judging what is kept",
    over: "cells",
    sizes: [16, 32, 64, 128],
    open: withFolder(async (folder, cells) => {
      const options = optionsOf(folder, cells);
      await runAudit(options);
      return { run: () => runAudit(options) };
    }),
  },
  {
    step: "report",
    over: "cells",
    sizes: [16, 32, 64, 128],
    open: withFolder(async (folder, cells) => {
      const results = await runAudit(optionsOf(folder, cells));
      return { run: () => renderHtml(results) };
    }),
  },
];
