import { AssayError, percent } from "#core";
import type { Dataset } from "#data";
import { type CompiledModel, classesSeen, type Given, saidBy } from "#model";
import type { FloatTensor } from "#onnx";
import type { Shipped } from "../results/index.ts";
import type { ReadyModel } from "./ready.ts";

/** The share of samples that rounding may decide otherwise. */
const TOLERATED = 0.01;

/** What was found of a file as it is. */
interface Look {
  readonly warnings: readonly string[];
  readonly faults: readonly string[];
  /** For the results document; undefined for a model that the run made. */
  readonly shipped?: Shipped;
}

/**
 * Compares the answers of the graph that is attacked, which computes in float32 with
 * operators of one dialect, with those that its file gives as it is.
 *
 * @param asGiven the file's answers; see `answersAsGiven`. What cannot be run is said.
 */
export async function asShipped(
  model: CompiledModel,
  { x, targets }: Dataset,
  name: string,
  asGiven: ReadyModel["asGiven"],
): Promise<Look> {
  if (!asGiven) return { warnings: [], faults: [] };
  let given: Given;
  try {
    given = await asGiven(x);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const { message: why } = error;
    return {
      warnings: [
        `The file of ${name} is not compared as it is with the graph that is attacked: ${why}.`,
      ],
      faults: [],
      shipped: { compared: 0, apart: 0, by: null, why },
    };
  }
  const answers = await model.logits(x);
  const apart = otherwise(model, answers, given.outputs, targets);
  const [n = 0] = x.dims;
  const shipped = { compared: n, apart, by: given.by, why: null };
  if (apart === 0) return { warnings: [], faults: [], shipped };
  const what = `The file of ${name} as it is, in its own types, answers otherwise than the graph that is attacked on ${apart} of ${n} samples (${percent(apart / n)})`;
  return apart > TOLERATED * n && apart > 1
    ? {
        warnings: [],
        faults: [
          `${what}: what is attacked is not what is shipped; export it in float32, or audit the form that is deployed.`,
        ],
        shipped,
      }
    : { warnings: [`${what}.`], faults: [], shipped };
}

/**
 * How many samples two models answer otherwise: by another class; or, where there
 * are targets, right in one alone, or so far apart that one would be wrong if
 * the other were right. Which of several labels is the most wrong does not count:
 * behind a sigmoid they are alike.
 */
function otherwise(
  { model }: CompiledModel,
  answers: FloatTensor,
  given: FloatTensor,
  targets: FloatTensor | undefined,
): number {
  const seen = classesSeen(model, answers, targets);
  const other = classesSeen(model, given, targets);
  const said = saidBy(model, answers);
  if (!said) return seen.filter((k, i) => k !== other[i]).length;
  const apart = classesSeen(model, given, said);
  const isRight = (k: number | undefined) => k === 0;
  return seen.filter(
    (k, i) => isRight(k) !== isRight(other[i]) || !isRight(apart[i]),
  ).length;
}
