import { parseArgs } from "node:util";
import { z } from "zod";
import { type Backdoor, type Trigger, trialAttacks } from "#attacks";
import { Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { argmaxRows, logitsOf, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { architectureOf, trainingSettings, tuneEvenly } from "#tuning";
import { mnist } from "./parity/images.ts";

// Backdoors in the data in the papers' setting: a network trained on MNIST from
// nothing, a share of the 8,000 training images poisoned, target class 0. Prints
// lines of the table in docs/results.md.

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    rate: { type: "string", default: "0.1" },
    epochs: { type: "string", default: "20" },
  },
});

const TARGET = 0;
const SEED = 11;
const [train, test] = [await mnist.train(), await mnist.test()];
const count = Math.round(Number(options.rate) * train.y.length);
const others = takeSamples(
  test,
  [...test.y.keys()].filter((row) => test.y[row] !== TARGET),
);

const clean = await trained(train);
console.log(
  `clean model: ${percent((await said(clean, test.x)).filter((p, i) => p === test.y[i]).length / test.y.length)} of ${test.y.length}; ${count} poisons of ${train.y.length}, target ${TARGET}, ${options.epochs} epochs\n`,
);
console.log(
  "| backdoor | poisons | covers | clean | ASR | ASR, nothing planted | s |",
);
console.log("|---|---|---|---|---|---|---|");
const backdoors = trialAttacks.filter(({ kind }) => kind === "backdoor");
for (const unit of backdoors as Backdoor[]) {
  if (unit.place !== "data") continue;
  if (options.only && !options.only.includes(unit.id)) continue;
  console.log(await row(unit));
}

async function row(unit: Backdoor): Promise<string> {
  const started = performance.now();
  const { trigger, changes, poisons, covers } = await unit.plant({
    train,
    count,
    target: TARGET,
    base: null,
    source: null,
    params: unit.params.parse({}),
    random: new Random(SEED).fork(unit.id),
    engine: onnxruntime,
    surrogate: async () => clean,
    once: (_name, make) => make(),
  });
  if (!("train" in changes)) throw new Error("only data is changed here");
  const model = await trained(changes.train);
  const right = (await said(model, test.x)).filter((p, i) => p === test.y[i]);
  const cells = [
    unit.id,
    poisons.length,
    covers.length,
    percent(right.length / test.y.length),
    percent(await success(model, trigger)),
    percent(await success(clean, trigger)),
    ((performance.now() - started) / 1000).toFixed(0),
  ];
  return `| ${cells.join(" | ")} |`;
}

/**
 * The share of images of other classes that are taken for the target with the trigger.
 */
async function success(model: Model, trigger: Trigger): Promise<number> {
  const answers = await said(model, trigger(others.x));
  return answers.filter((p) => p === TARGET).length / others.y.length;
}

async function said(model: Model, x: FloatTensor): Promise<Int32Array> {
  return argmaxRows(await logitsOf(model, x, onnxruntime));
}

async function trained(data: Dataset): Promise<Model> {
  const random = new Random(SEED).fork("training");
  const model = architectureOf("small-cnn").build(
    data.x.dims.slice(1),
    data.classes,
    random.fork("weights"),
  );
  const { model: done } = await tuneEvenly({
    model,
    train: data,
    // It chooses nothing: the weights of the last epoch are kept.
    validation: takeSamples(
      data,
      Array.from({ length: 500 }, (_, i) => i),
    ),
    epochs: Number(options.epochs),
    settings: z.strictObject(trainingSettings).parse({ patience: null }),
    parts: [() => ({ keeps: "last" })],
    engine: onnxruntime,
    random,
  });
  return done;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
