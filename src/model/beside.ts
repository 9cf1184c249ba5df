import type { LossName } from "#autodiff";
import { AssayError } from "#core";
import { type FloatTensor, takeRows } from "#onnx";
import { classesSeen } from "./answers.ts";
import type { CompiledModel, Draws, LossGradient } from "./compiled.ts";
import { meaningOf } from "./tasks/index.ts";

/**
 * Another head on the trunk of a model that is attacked, with what it should say of
 * the same samples.
 */
export interface Beside {
  /** Without detectors, which no attack on several heads looks at. */
  readonly model: CompiledModel;
  /** Of each sample, among the classes that attacks see. */
  readonly y: Int32Array;
  /**
   * What its outputs should be of each sample [N, outputs], where its task is
   * not one of classes.
   */
  readonly targets?: FloatTensor;
  /** Whether it has no gradient: then it is judged, and adds nothing to the sum. */
  readonly isBlind?: boolean;
}

/** Some rows of examples, and of which samples they are. */
interface Rows {
  readonly x: FloatTensor;
  readonly samples: readonly number[];
  readonly draws: Draws;
}

/** Whether any of the heads still says what it should of each row. */
export async function standsBeside(
  heads: readonly Beside[],
  { x, samples, draws }: Rows,
): Promise<boolean[]> {
  const standing = samples.map(() => false);
  for (const head of heads) {
    const { logits } = await head.model.answers(x, draws);
    mark(standing, head, logits, samples);
  }
  return standing;
}

/**
 * Loss and gradient of a model and of the heads beside it, added up sample by sample,
 * and whether any of these heads still says what it should.
 *
 * @param loss of each head; that of its task when left out
 * @throws TARGET_TOGETHER for a loss towards a class, which heads do not share
 */
export async function withBeside(
  heads: readonly Beside[],
  own: LossGradient,
  { x, samples, draws }: Rows,
  loss: LossName | undefined,
  isTargeted: boolean,
): Promise<{ answer: LossGradient; standing: boolean[] }> {
  if (heads.length === 0)
    return { answer: own, standing: samples.map(() => false) };
  if (isTargeted)
    throw new AssayError(
      "TARGET_TOGETHER",
      "the attack aims at a class, and heads of several tasks share none",
      "Use an attack that only raises the loss, such as pgd, on all heads at once.",
    );
  const standing = samples.map(() => false);
  const sum = own.loss.slice();
  const gradient = own.gradient.data.slice();
  const notFinite = new Set(own.notFinite);
  for (const head of heads) {
    if (head.isBlind) {
      const { logits } = await head.model.answers(x, draws);
      mark(standing, head, logits, samples);
      continue;
    }
    const truth = samples.map((i) => head.y[i]!);
    const found = await head.model.lossGradient(
      x,
      truth,
      { loss, targets: targetsOf(head, samples) },
      draws,
    );
    found.loss.forEach((v, i) => {
      sum[i] = sum[i]! + v;
    });
    found.gradient.data.forEach((v, i) => {
      gradient[i] = gradient[i]! + v;
    });
    for (const row of found.notFinite) notFinite.add(row);
    mark(standing, head, found.logits, samples);
  }
  const answer = {
    ...own,
    loss: sum,
    notFinite: [...notFinite],
    gradient: { ...own.gradient, data: gradient },
  };
  return { answer, standing };
}

function mark(
  standing: boolean[],
  head: Beside,
  logits: FloatTensor,
  samples: readonly number[],
): void {
  const targets = targetsOf(head, samples);
  const seen = classesSeen(head.model.model, logits, targets);
  samples.forEach((sample, i) => {
    if (seen[i] === head.y[sample]) standing[i] = true;
  });
}

const targetsOf = (
  { model, targets }: Beside,
  samples: readonly number[],
): FloatTensor | undefined =>
  meaningOf(model.model).targets && targets
    ? takeRows(targets, samples)
    : undefined;
