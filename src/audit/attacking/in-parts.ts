import type { Measure } from "#attacks";
import { takeSamples } from "#data";
import type { Samples } from "#model";
import { concatRows, type FloatTensor } from "#onnx";
import type { PlannedCell } from "../plan/index.ts";
import { kept } from "../workplace.ts";
import type { Bench, Subject } from "./bench.ts";
import { type Craft, craft, craftKey } from "./craft.ts";
import { examplesFile, readExamples, writeExamples } from "./examples.ts";
import { samplesOf } from "./seen.ts";

/** Examples, and how they were made. */
export type Made = Craft & { readonly examples: Samples };

/** A bench with some of its samples, in this order. */
export const partOfBench = (bench: Bench, rows: readonly number[]): Bench => ({
  ...bench,
  data: takeSamples(bench.data, rows),
  rows: null,
});

/** The examples of the samples of a bench, made or as they were kept. */
export async function examplesOn(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
): Promise<Made> {
  const key = craftKey(planned, subject, bench);
  const file = examplesFile(key, samplesOf(bench.data));
  const { record } = await kept(
    bench,
    `examples/${key}.json`,
    async () => {
      const { examples, ...how } = await craft(planned, subject, bench);
      writeExamples(bench.store, file, examples);
      return how;
    },
    () => [file],
  );
  return { ...record, examples: readExamples(bench.store, file) };
}

/** Examples of several parts, as if they had been made at once. */
export function joined(parts: readonly Made[]): Made {
  const sum = (of: (one: Made) => number) =>
    parts.reduce((total, one) => total + of(one), 0);
  const rising = parts.map((one) => one.rising);
  return {
    examples: joinedSamples(parts.map(({ examples }) => examples)),
    queries: {
      forward: sum(({ queries }) => queries.forward),
      gradient: sum(({ queries }) => queries.gradient),
      base: sum(({ queries }) => queries.base),
    },
    queriesToBreak: parts.flatMap((one) => one.queriesToBreak),
    rising: rising.every((one) => one !== null)
      ? rising.reduce((total, one) => total + one, 0) / parts.length
      : null,
    peaks: parts.flatMap(({ peaks }) => peaks),
    notes: [...new Set(parts.flatMap(({ notes }) => notes))],
    measures: joinedMeasures(parts.flatMap(({ measures }) => measures)),
    noGradient:
      parts.find((one) => one.noGradient !== null)?.noGradient ?? null,
    searched: parts.some(({ searched }) => searched),
    seconds: sum(({ seconds }) => seconds),
  };
}

const joinedSamples = (parts: readonly Samples[]): Samples =>
  parts.every((one) => "dims" in one)
    ? concatRows(parts as readonly FloatTensor[])
    : (parts as readonly (readonly string[])[]).flat();

function joinedMeasures(all: readonly Measure[]): Measure[] {
  const found = new Map<string, Measure>();
  for (const one of all) {
    const key = JSON.stringify([one.name, one.level]);
    const robust = (found.get(key)?.robust ?? 0) + one.robust;
    found.set(key, { ...one, robust });
  }
  return [...found.values()];
}
