import { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { type Repair, remaining, trainOn } from "#defenses";
import { onnxruntime } from "#engine";
import { argmaxRows, compile, type Model } from "#model";
import { copyOf, type FloatTensor } from "#onnx";
import type { LawOptions } from "./attacks.ts";
import { ensure, ensureSame, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";
import { smallDigits, untrained } from "./world.ts";

export interface RepairOptions extends LawOptions {
  /** The accuracy that is left of a clean model at least; 0.8 when left out. */
  readonly least?: number;
}

/** The class that the planted trigger leads to. */
export const TARGET = 0;

/** The data with a 2x2 patch of white in a corner of these rows. */
export function stamped(data: Dataset, rows = [...data.y.keys()]): Dataset {
  const x = copyOf(data.x);
  for (const row of rows)
    for (const pixel of [54, 55, 62, 63]) x.data[row * 64 + pixel] = 1;
  return dataset(data.name, x, data.y, data.classes);
}

const train = (data: Dataset) =>
  trainOn(
    { ...untrained(), classes: data.classes },
    data,
    { epochs: 15, learningRate: 3e-3, batchSize: 32 },
    onnxruntime,
    new Random("victim"),
  );

/** Data, clean and poisoned by a patch, and a model of each. */
export const plantedWorld = once(async () => {
  const parts = await smallDigits();
  const { train: data } = parts;
  const rows = new Random("rows").permutation(data.y.length).slice(0, 20);
  const { x } = stamped(data, rows);
  const y = data.y.map((label, i) => (rows.includes(i) ? TARGET : label));
  const poisoned = dataset(data.name, x, y, data.classes);
  return {
    ...{ parts, poisoned },
    clean: await train(data),
    planted: await train(poisoned),
  };
});

/** What a model says of each sample. */
export async function said(model: Model, { x }: Dataset): Promise<Int32Array> {
  const compiled = await compile(model, onnxruntime);
  const labels = argmaxRows(await compiled.logits(x));
  await compiled.release();
  return labels;
}

/** A model of the planted world after a repair. */
export async function repaired(
  unit: Repair,
  model: Model,
  stated: Readonly<Record<string, unknown>> = {},
): Promise<Model> {
  const { parts, poisoned, clean } = await plantedWorld();
  const base = untrained();
  const input = {
    ...{ model, engine: onnxruntime },
    params: unit.params.parse(stated),
    random: new Random("repair"),
  };
  if (unit.kind === "restore")
    return unit.restore({ ...input, base, released: clean, own: parts.train });
  return unit.kind === "mend"
    ? unit.mend({ ...input, base, clean: parts.validation })
    : train(
        remaining(poisoned, await unit.filter({ ...input, train: poisoned })),
      );
}

const weightsOf = ({ graph }: Model) =>
  [...graph.constants].map(
    ([name, { data }]) =>
      [name, (data as FloatTensor["data"]).slice()] as const,
  );

/**
 * The laws of repairs, on a small network with a planted backdoor and 8x8 digits.
 *
 * @example
 * ```ts
 * import { repairLaws } from "assay/conformance";
 * import { withoutBrightest } from "./without-brightest.ts";
 *
 * for (const { title, check } of repairLaws(withoutBrightest)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function repairLaws(
  unit: Repair,
  { params = {}, least = 0.8 }: RepairOptions = {},
): Law[] {
  return [
    {
      title:
        "leaves the model and the data as they were, and does the same again",
      async check() {
        const { planted, poisoned, parts } = await plantedWorld();
        const before = weightsOf(planted);
        const data = [poisoned, parts.validation];
        const were = data.map(({ x }) => x.data.slice());
        const first = await repaired(unit, planted, params);
        for (const [i, [name, numbers]] of weightsOf(planted).entries())
          ensureSame(before[i]![1], numbers, `the model's "${name}"`);
        data.forEach(({ x }, i) => {
          ensureSame(were[i]!, x.data, "the data");
        });
        const again = new Map(weightsOf(await repaired(unit, planted, params)));
        for (const [name, numbers] of weightsOf(first))
          ensureSame(numbers, again.get(name) ?? [], `"${name}" twice`);
        ensureSame(planted.contract.shape, first.contract.shape, "the input");
        ensure(
          planted.classes.join() === first.classes.join(),
          `the classes are ${first.classes.join()}`,
        );
      },
    },
    {
      title: "costs a clean model little",
      async check() {
        const { clean, parts } = await plantedWorld();
        const { test: data } = parts;
        const labels = await said(await repaired(unit, clean, params), data);
        const right = data.y.filter((y, i) => labels[i] === y).length;
        const accuracy = right / data.y.length;
        ensure(accuracy > least, `an accuracy of ${accuracy}, of ${least}`);
      },
    },
    saysWhatItIs("repair", unit),
  ];
}
