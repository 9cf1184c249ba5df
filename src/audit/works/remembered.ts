import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { cacheFolder, hashOf, packageVersion, writeFile } from "#core";
import { type Costs, costsOf } from "./costs.ts";
import { type Peaks, peaksOf } from "./peaks.ts";
import { bestSplit, type Split } from "./split.ts";
import { workKinds } from "./work.ts";

/** What was learned on a machine, from one run to the next. */
export interface Remembered {
  /** Of whole runs, or of smoke runs: little of each says nothing of all of it. */
  readonly costs: Costs;
  /** What memory workers took. */
  readonly peaks: Peaks;
  /**
   * How its cores are best shared out, which is measured when it is first asked; see
   * `bestSplit`.
   */
  split(measure: Parameters<typeof bestSplit>[0]): Promise<Split>;
  /** Keeps what was learned. Where that cannot be written, it is forgotten. */
  save(): void;
}

/** Sorts of works that are remembered: those that were learned last. */
const SORTS = 5000;

const positive = z.number().positive();

const rates = z.array(
  z.tuple([z.string(), z.object({ seconds: z.number(), size: positive })]),
);

const schema = z.object({
  rates,
  smoke: rates.default([]),
  peaks: z.array(z.tuple([z.enum(workKinds), positive])).default([]),
  split: z
    .object({ workers: z.int().positive(), threads: z.int().positive() })
    .optional(),
});

/**
 * Recalls what was learned on this machine with this engine and version of Assay. It is
 * kept for the user, in the folder for caches, which ASSAY_CACHE names otherwise.
 *
 * @param engine its title, with its version and device
 * @param isSmoke whether it is of smoke runs
 */
export function remembered(engine: string, isSmoke = false): Remembered {
  const path = join(cacheFolder(), `works-${machineHash(engine)}.json`);
  const before = recalled(path);
  const which = isSmoke ? "smoke" : "rates";
  const rates = new Map(before[which]);
  const peaks = new Map(before.peaks);
  let { split } = before;
  return {
    costs: costsOf(rates),
    peaks: peaksOf(peaks),
    async split(measure) {
      split ??= await bestSplit(measure);
      return split;
    },
    save() {
      try {
        const last = [...rates].slice(-SORTS);
        const kept = { ...before, [which]: last, peaks: [...peaks], split };
        writeFile(path, `${JSON.stringify(kept)}\n`);
      } catch {
        // Nothing but an estimate is worse for it.
      }
    },
  };
}

function recalled(path: string): z.infer<typeof schema> {
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // It is not there, or not whole: everything can be learned again.
    return { rates: [], smoke: [], peaks: [] };
  }
}

const machineHash = (engine: string) =>
  hashOf([
    cpus()[0]?.model ?? process.arch,
    availableParallelism(),
    engine,
    packageVersion(),
  ]).slice(0, 16);
