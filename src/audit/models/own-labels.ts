import { AssayError, percent } from "#core";
import type { Dataset } from "#data";
import { type CompiledModel, classesSeen } from "#model";

/**
 * The share of samples on which a file may contradict its own scores, as ties
 * and votes let it.
 */
const MOST = 0.1;

/**
 * Compares the classes that a model is judged by with those that its file names itself,
 * in an output of labels.
 *
 * @param labels what the file says of each sample; see `ownLabels`
 * @returns a sentence for the run where some differ
 * @throws PREFLIGHT when many do: the scores were not read as they are meant
 */
export async function contradictions(
  model: CompiledModel,
  { x, targets }: Dataset,
  name: string,
  labels: Int32Array,
): Promise<string[]> {
  const seen = classesSeen(model.model, await model.logits(x), targets);
  const n = seen.length;
  const apart = seen.filter((p, i) => p !== labels[i]).length;
  if (apart === 0) return [];
  const what = `the file's own output of labels names another class than the largest score for ${apart} of ${n} test samples`;
  if (apart > MOST * n) {
    throw new AssayError(
      "PREFLIGHT",
      `${name}: ${what}`,
      "Its scores do not say what it answers (state output: or task: in the suite), or its classes are named otherwise than the data's.",
    );
  }
  return [`${name}: ${what} (${percent(apart / n)}).`];
}
