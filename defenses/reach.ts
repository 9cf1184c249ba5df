import type { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { drawNoise, type Model, type NoiseInput } from "#model";
import {
  BATCH,
  concatRows,
  emptyGraph,
  type FloatTensor,
  GraphBuilder,
  rows,
  takeRows,
} from "#onnx";
import { defend, partsOf } from "./defend.ts";
import type { FitInput } from "./fit.ts";
import { type ChosenDefense, isDetector } from "./kinds.ts";
import type { ChosenSanitizer } from "./sanitizer.ts";

/** Rows that are run at once. */
const TOGETHER = 256;

/**
 * What a part of a defence is fitted on, in its place: the data as the sanitizers
 * before it make them, and the model behind the parts after it. Where one before
 * makes several versions of a sample, each is a sample. Detectors let everything pass.
 *
 * @param input the bare model and the data as they are
 * @param before the parts nearer the input, fitted
 * @param after `answeringAfter` of the parts nearer the model; none for a detector,
 *   which looks at the bare model
 */
export async function inPlace(
  input: FitInput,
  before: readonly ChosenDefense[],
  after: readonly ChosenDefense[],
): Promise<FitInput> {
  const { model: bare, train, validation, random } = input;
  const model = defend(bare, after);
  const front = before.filter(
    (part): part is ChosenSanitizer => !isDetector(part),
  );
  if (front.length === 0) return { ...input, model };
  let calls = 0;
  const pass = (x: FloatTensor) =>
    passed(x, front, input, random.fork(`reach ${calls++}`));
  return {
    ...input,
    model,
    train: await reached(train, pass),
    validation: await reached(validation, pass),
    outside: { model: defend(model, front), validation, pass },
  };
}

/**
 * Of the parts after a sanitizer, those that it is fitted to: what stands between
 * it and the answer to what no detector flags. What learns is not among them, since
 * parts are fitted from the input inwards.
 */
export function answeringAfter(
  after: readonly ChosenDefense[],
): ChosenDefense[] {
  const turn = after.findIndex(
    (part) => isDetector(part) && part.params.policy === "sanitise",
  );
  return after
    .slice(0, turn < 0 ? after.length : turn)
    .filter((part) => !isDetector(part) && !part.unit.fit);
}

async function reached(
  data: Dataset,
  pass: (x: FloatTensor) => Promise<FloatTensor>,
): Promise<Dataset> {
  const { name, y, classes, targets, table, positions } = data;
  const x = await pass(data.x);
  const views = (x.dims[0] ?? 0) / y.length;
  const from = Array.from({ length: views * y.length }, (_, i) =>
    Math.floor(i / views),
  );
  return dataset(
    name,
    x,
    Int32Array.from(from, (i) => y[i]!),
    classes,
    targets && takeRows(targets, from),
    table,
    undefined,
    undefined,
    positions,
  );
}

/**
 * Inputs [N, ...shape] as sanitizers make them, one after the other: [N *
 * versions, ...shape].
 */
async function passed(
  x: FloatTensor,
  parts: readonly ChosenSanitizer[],
  { model, engine }: Pick<FitInput, "model" | "engine">,
  random: Random,
): Promise<FloatTensor> {
  let at = x;
  for (const [k, part] of parts.entries()) {
    const { graph, noise, out } = alone(part, model);
    const session = await engine.load(graph);
    const stream = random.fork(k);
    const n = at.dims[0] ?? 0;
    const made: FloatTensor[] = [];
    for (let from = 0; from < n; from += TOGETHER) {
      const some = rows(at, from, Math.min(n, from + TOGETHER)) as FloatTensor;
      const streams = Array.from({ length: some.dims[0] ?? 0 }, (_, i) =>
        stream.fork(from + i),
      );
      const result = await session.run({
        x: some,
        ...drawNoise(noise, streams),
      });
      made.push(result[out] as FloatTensor);
    }
    await session.release();
    at = concatRows(made, model.contract.shape);
  }
  return at;
}

/** The graph of a sanitizer with no model behind it. */
function alone(part: ChosenSanitizer, model: Model) {
  const { shape } = model.contract;
  const noise: NoiseInput[] = [];
  const b = new GraphBuilder(emptyGraph("reach"));
  b.input({ name: "x", type: "float32", dims: [BATCH, ...shape] });
  const { unit, params } = part;
  const made = unit.build(b, "x", params, model, partsOf(b, part, noise));
  const out = b.reshape(made, [-1, ...shape]);
  return { graph: b.build([out]), noise, out };
}
