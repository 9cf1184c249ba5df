import { AssayError } from "#core";
import type { Dataset } from "#data";
import { type CompiledModel, classesSeen } from "#model";
import { type FloatTensor, rows } from "#onnx";
import type { Shipped } from "../results/index.ts";
import { mcnemar } from "../statistics/index.ts";
import { type Guesswork, guessworkInWords, guessworkOf } from "./guesswork.ts";

/** Samples that are compared one by one with the batch. */
const PROBES = 8;

/** Passes over them that show whether it draws at random. */
const PASSES = 5;

/** What is odd about a model, in sentences. */
export interface Preflight {
  /** Odd but not wrong. */
  readonly warnings: readonly string[];
  /** Why its numbers are not to be trusted. */
  readonly faults: readonly string[];
  /** What its answers are worth beside one for everything. */
  readonly guesswork: Guesswork;
  /** What its file answers as it is; undefined for a model that the run made. */
  readonly shipped?: Shipped;
}

/**
 * Checks a model before anything counts: finite logits, the same logits alone
 * and in a batch, better than one answer for everything, and that it does better with
 * the preprocessing that the suite states than without.
 *
 * @param data the samples that are attacked
 * @param more clean samples that tell guessing from knowing
 * @param unprocessed the model without that preprocessing, where there is one
 * @throws PREFLIGHT when numbers from this model would mean nothing
 */
export async function preflight(
  model: CompiledModel,
  data: Dataset,
  more: Dataset,
  name: string,
  unprocessed?: CompiledModel,
): Promise<Preflight> {
  // Without generators of its own, each call draws anew from its number.
  const logits = await model.logits(data.x);
  const bad = logits.data.findIndex((z) => !Number.isFinite(z));
  if (bad >= 0) {
    const sample = Math.floor(bad / (logits.dims[1] ?? 1));
    throw new AssayError(
      "PREFLIGHT",
      `${name}: the logits of test sample ${sample} are not finite`,
      "Check the model's preprocessing (input.scale, mean, std) and its weights.",
    );
  }
  const width = logits.dims[1] ?? 1;
  // One that draws at random differs from itself as well. A trust check says so.
  const random = await answersOtherwise(model, data);
  const probes = random ? 0 : Math.min(PROBES, data.y.length);
  for (let i = 0; i < probes; i++) {
    const alone = (await model.logits(rows(data.x, i, i + 1))).data;
    const scale = alone.reduce((most, z) => Math.max(most, Math.abs(z)), 1);
    const apart = alone.reduce(
      (most, z, k) => Math.max(most, Math.abs(z - logits.data[i * width + k]!)),
      0,
    );
    if (apart > 1e-3 * scale) {
      throw new AssayError(
        "PREFLIGHT",
        `${name}: test sample ${i} has other logits alone than in a batch (they differ by ${apart.toPrecision(3)})`,
        "Export the model in evaluation mode and with a free batch dimension; a batch must not change its answers.",
      );
    }
  }
  const seen = classesSeen(model.model, logits, data.targets);
  const warnings: string[] = [];
  if (random)
    warnings.push(
      `${name} answers otherwise when it is asked again: it draws at random.`,
    );
  const guesswork = await guessworkOn(model, more);
  const guessed = guessworkInWords(guesswork);
  if (guessed)
    warnings.push(
      `${name} ${guessed}; check its preprocessing and the order of its outputs.`,
    );
  const faults = unprocessed
    ? await processedTwice(unprocessed, data, seen)
    : [];
  return { warnings, faults, guesswork };
}

async function guessworkOn(
  model: CompiledModel,
  data: Dataset,
): Promise<Guesswork> {
  const outputs = await model.logits(data.x);
  const seen = classesSeen(model.model, outputs, data.targets);
  return guessworkOf(model.model, outputs, seen, data);
}

/** Whether the first samples, asked together again, ever have other logits. */
async function answersOtherwise(
  model: CompiledModel,
  data: Dataset,
): Promise<boolean> {
  const few = rows(data.x, 0, Math.min(PROBES, data.y.length)) as FloatTensor;
  const first = await model.logits(few);
  for (let pass = 1; pass < PASSES; pass++) {
    const { data: again } = await model.logits(few);
    if (again.some((z, i) => z !== first.data[i])) return true;
  }
  return false;
}

/**
 * Preprocessing that makes a model worse is not what it was trained with: most often
 * the model does it itself.
 */
async function processedTwice(
  unprocessed: CompiledModel,
  data: Dataset,
  predicted: Int32Array,
): Promise<string[]> {
  const outputs = await unprocessed.logits(data.x);
  const without = classesSeen(unprocessed.model, outputs, data.targets);
  const right = (p: Int32Array, i: number) => p[i] === data.y[i];
  const count = (test: (i: number) => boolean) =>
    Array.from(data.y.keys()).filter(test).length;
  const gained = count((i) => right(without, i) && !right(predicted, i));
  const lost = count((i) => !right(without, i) && right(predicted, i));
  if (gained <= lost || mcnemar(gained, lost) >= 0.05) return [];
  return [
    `Without the input.scale, mean and std of the suite the model is right on ${gained - lost} more of ${data.y.length} samples: it preprocesses by itself, so leave them out.`,
  ];
}
