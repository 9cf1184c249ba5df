import { Random } from "#core";
import { takeSamples } from "#data";
import { onnxruntime } from "#engine";
import { layerGroups, type Model } from "#model";
import { type FloatTensor, floats, takeRows } from "#onnx";
import {
  asPart,
  type Batch,
  distributionCriterion,
  formOf,
  settingsSchema,
  strategies,
  type TrainingDefense,
  type TrainingPart,
  tune,
} from "#tuning";
import type { LawOptions } from "./attacks.ts";
import { ensure, ensureSame, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";
import {
  context,
  momentOf,
  normalised,
  reference,
  smallDigits,
} from "./world.ts";

const place = once(async () => {
  const parts = await smallDigits();
  const first = (n: number) => Array.from({ length: n }, (_, i) => i);
  return {
    model: normalised(await reference()),
    train: takeSamples(parts.train, first(24)),
    validation: takeSamples(parts.validation, first(12)),
  };
});

const numbersOf = ({ graph }: Model, name: string) =>
  (graph.constants.get(name) as FloatTensor).data;

/** All that a batch holds for each sample. */
const tensorsOf = ({ x, targets, views, feeds }: Batch): FloatTensor[] =>
  [x, targets, ...Object.values({ ...views, ...feeds })].filter(
    (t): t is FloatTensor => typeof t === "object",
  );

/** What a part makes of some samples, each with a generator of its own. */
export async function prepared(
  part: TrainingPart,
  rows: readonly number[],
  seed = 6,
): Promise<Batch> {
  const { model, train } = await place();
  const { moment, compiled } = await momentOf(model, rows.length);
  const y = Int32Array.from(rows, (row) => train.y[row]!);
  const targets = floats([rows.length, 5], new Float32Array(5 * rows.length));
  y.forEach((label, i) => {
    targets.data[5 * i + label] = 1;
  });
  const batch: Batch = { x: takeRows(train.x, rows), y, targets };
  const random = rows.map((row) => new Random(row));
  const batchRandom = new Random(seed);
  const found = await part.prepare?.(batch, { ...moment, random, batchRandom });
  await compiled.release();
  return found ?? batch;
}

/** The largest change of what is made of five samples when a sixth is not drawn. */
export async function dependence(open: () => TrainingPart): Promise<number> {
  const rows = [0, 1, 2, 3, 4, 5];
  let most = 0;
  for (const left of [0, 2, 3]) {
    const others = rows.filter((row) => row !== left);
    const all = tensorsOf(await prepared(open(), rows, left));
    const without = tensorsOf(await prepared(open(), others, left));
    for (const [t, tensor] of without.entries()) {
      const same = takeRows(all[t]!, others);
      tensor.data.forEach((v, i) => {
        most = Math.max(most, Math.abs(v - same.data[i]!));
      });
    }
  }
  return most;
}

/**
 * The laws of training defences, on a small network and 8x8 digits.
 *
 * @example
 * ```ts
 * import { trainingDefenseLaws } from "assay/conformance";
 * import { uniformNoise } from "./uniform-noise.ts";
 *
 * for (const { title, check } of trainingDefenseLaws(uniformNoise)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function trainingDefenseLaws(
  unit: TrainingDefense,
  { params: stated = {} }: LawOptions = {},
): Law[] {
  const chosen = () => ({ unit, params: unit.params.parse(stated) });
  const opened = async () => asPart(chosen())(context((await place()).model));
  /** A short training with it, by one of our strategies. */
  const run = async (id: string, epochs: number) => {
    const { model, train, validation } = await place();
    const strategy = strategies.find((one) => one.id === id)!;
    const params = strategy.params.parse({});
    const groups = layerGroups(model.graph);
    const form = formOf(
      { unit: strategy, params },
      ...([model, groups, new Random(1)] as const),
    );
    return tune({
      ...{ model: form.model, train, validation, groups: form.groups },
      stages: strategy.stages(form.groups, epochs, params),
      settings: settingsSchema.parse({ batchSize: 12, learningRate: 1e-2 }),
      ...{ parts: [asPart(chosen())], engine: onnxruntime },
      random: new Random(1),
    });
  };
  return [
    {
      title: "keeps the shape of a batch, and gives the same bytes twice",
      async check() {
        const rows = Array.from({ length: 24 }, (_, i) => i);
        const { train } = await place();
        const one = await prepared(await opened(), rows);
        const two = await prepared(await opened(), rows);
        tensorsOf(one).forEach((tensor, i) => {
          ensureSame(tensor.data, tensorsOf(two)[i]!.data, "twice");
        });
        for (const view of [one.x, ...Object.values(one.views ?? {})]) {
          ensureSame(train.x.dims, view.dims, "the shape");
          ensure(view.data.every(Number.isFinite), "a value is not finite");
        }
        ensureSame(train.y, one.y, "the labels");
      },
    },
    {
      title:
        "changes neither loss nor criterion where it is for any tasks, unless for one with shares of classes",
      async check() {
        if (!unit.manyTasks) return;
        const part = await opened();
        for (const member of ["loss", "evaluate"] as const)
          ensure(part[member] === undefined, `it has its own ${member}`);
        const { criterion } = part;
        ensure(
          criterion === undefined || criterion === distributionCriterion,
          "it has a criterion of its own",
        );
      },
    },
    {
      title:
        "frozen stays frozen, what is trained moves, and losses are finite",
      async check() {
        const { model } = await place();
        const { model: tuned, history } = await run("head-only", 2);
        const head = layerGroups(model.graph).at(-1)?.parameters ?? [];
        for (const [name, before] of model.graph.constants)
          if (head.includes(name)) {
            const after = numbersOf(tuned, name);
            const moved = numbersOf(model, name).some((v, i) => v !== after[i]);
            ensure(moved, `"${name}" of the head has not moved`);
          } else
            ensure(
              tuned.graph.constants.get(name) === before,
              `"${name}" is frozen, and another tensor`,
            );
        for (const { trainLoss, validationLoss, records } of history)
          for (const loss of [
            trainLoss,
            validationLoss,
            ...Object.values(records ?? {}),
          ])
            ensure(Number.isFinite(loss), `a loss is ${loss}`);
      },
    },
    {
      title:
        "the same seed gives the same weights, in another form of the model too",
      async check() {
        const [one, two] = [await run("lora", 1), await run("lora", 1)];
        for (const name of one.model.graph.constants.keys())
          if (/lora_|head/.test(name))
            ensureSame(
              numbersOf(one.model, name),
              numbersOf(two.model, name),
              `"${name}"`,
            );
      },
    },
    {
      title:
        "makes the same of a sample whatever else is drawn, where it says so",
      async check() {
        const { params } = chosen();
        if (!unit.isAlone(params)) return;
        const { model } = await place();
        const open = () => unit.open(params, context(model));
        const most = await dependence(open);
        ensure(
          most < 1e-4,
          `a sample changes by ${most} when another is left out`,
        );
        const part = open();
        for (const member of ["draw", "repeats", "check", "gradient"] as const)
          ensure(
            part[member] === undefined,
            `it says that it is alone, and has its own ${member}`,
          );
      },
    },
    saysWhatItIs("training defence", unit),
  ];
}
