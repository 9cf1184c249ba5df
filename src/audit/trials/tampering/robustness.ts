import { attackOn, attacks, ballOf, type Norm } from "#attacks";
import type { Random } from "#core";
import type { Dataset } from "#data";
import { type CompiledModel, saidBy } from "#model";
import type { FloatTensor } from "#onnx";
import { isFree } from "#tables";
import { decisions, REFUSED } from "../../models/index.ts";

/** A budget for the attack on inputs that trials measure robustness with. */
export interface Budget {
  readonly norm: Norm;
  /** In the unit of the input bounds. */
  readonly eps: number;
  readonly steps: number;
}

/** Samples with what is right of them. */
type Samples = Pick<Dataset, "x" | "y" | "targets">;

/** The samples that a model is right about. */
export async function rightOf(
  model: CompiledModel,
  { x, y, targets }: Samples,
): Promise<boolean[]> {
  const said = decisions(model.model, await model.answers(x), targets);
  return Array.from(y, (label, i) => said[i] === label);
}

export const countOf = (which: readonly boolean[]): number =>
  which.filter(Boolean).length;

/** The samples as the model answers them: what it says is what is right. */
export async function answered<S extends Samples>(
  model: CompiledModel,
  samples: S,
): Promise<S> {
  const answers = await model.answers(samples.x);
  const { logits } = answers;
  const targets = saidBy(model.model, logits);
  return { ...samples, y: decisions(model.model, answers, targets), targets };
}

/**
 * The samples that a model does not get wrong under examples of them; refusing an
 * answer is not getting it wrong.
 */
export async function standing(
  model: CompiledModel,
  { y, targets }: Samples,
  examples: FloatTensor,
): Promise<boolean[]> {
  const said = decisions(model.model, await model.answers(examples), targets);
  return Array.from(y, (k, i) => said[i] === k || said[i] === REFUSED);
}

/**
 * The attack that trials measure robustness with: Auto-PGD on the loss of the task
 * from one start; on rows of a table with constraints the form of it that keeps to
 * them, from the row and from a random point, but for L1, which it does not have.
 */
function attackFor({ table }: Pick<Dataset, "table">, norm: Norm) {
  const constrained = table && !isFree(table) && norm !== "l1";
  const id = constrained ? "capgd" : "apgd-ce";
  const unit = attacks.find((a) => a.id === id);
  if (!unit) throw new Error(`${id} is an attack`);
  return { unit, restarts: constrained ? 2 : 1 };
}

export function inWords(
  data: Pick<Dataset, "table">,
  { norm, eps, steps }: Budget,
): string {
  const { unit, restarts } = attackFor(data, norm);
  return `${unit.title}, ${norm} ${eps}, ${steps} steps, ${restarts === 1 ? "one restart" : `${restarts} restarts`}`;
}

/**
 * What the attack makes of the samples that a model is right about, with the others
 * as they are, and which of them withstand it.
 */
export async function attackedBy(
  model: CompiledModel,
  data: Dataset,
  { norm, eps, steps }: Budget,
  random: Random,
): Promise<{ examples: FloatTensor; right: boolean[]; robust: boolean[] }> {
  const right = await rightOf(model, data);
  const { unit, restarts } = attackFor(data, norm);
  const { run } = attackOn(
    model,
    data,
    { unit, params: unit.params.parse({ steps, restarts }) },
    { ball: ballOf(norm, eps, model.model.contract.bounds, data.table) },
    {
      rows: right.flatMap((is, i) => (is ? [i] : [])),
      random,
      draws: random.fork("draws"),
    },
  );
  const examples = await run();
  const stood = await standing(model, data, examples);
  const robust = stood.map((is, i) => is && right[i] === true);
  return { examples, right, robust };
}

/**
 * What a look at a model comes to, in samples of training: a step of an attack is
 * about a fifth of one, since most samples fall early.
 */
export const sizeOfLook = ({ y }: Dataset, steps: number): number =>
  y.length * (1 + steps / 5);
