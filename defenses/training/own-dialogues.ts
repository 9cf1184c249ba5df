import { dialoguesOf, rowsOf } from "#attacks";
import { AssayError, type Random } from "#core";
import type { Dialogues, Spoken } from "#data";
import type { Input } from "#model";
import { concatRows, type FloatTensor } from "#onnx";
import type { Batch, TrainingContext } from "#tuning";

/** What a defender of a language model has: prompts with what may be said to them. */
export interface OwnDialogues {
  /** Restricted prompts with the refusals that are wanted. */
  readonly refused: readonly Spoken[];
  /** The same prompts with what they ask for. */
  readonly forbidden: readonly Spoken[];
  /** All prompts with what is wanted. */
  readonly wanted: readonly Spoken[];
  readonly dialogues: Dialogues;
  /** Tokens that the model takes. */
  readonly length: number;
  /** Prompts with answers as a batch of the training. */
  batch(said: readonly Spoken[]): Batch;
}

/**
 * The defender's own dialogues.
 *
 * @throws DIALOGUES where he has none, or none that are restricted
 */
export function ownDialogues(
  { own }: Pick<TrainingContext, "own">,
  defense: string,
): OwnDialogues {
  if (!own)
    throw new AssayError(
      "DIALOGUES",
      `${defense} needs prompts with answers of the defender's own`,
      "Use it in a suite whose data are dialogues.",
    );
  const dialogues = dialoguesOf(own);
  const restricted = dialogues.each.filter(({ forbidden }) => forbidden);
  if (restricted.length === 0)
    throw new AssayError(
      "DIALOGUES",
      `${defense} needs restricted prompts with refusals, the training part of ${own.name} has none`,
      "Put lines with forbidden into the part train.",
    );
  const asks = (d: Dialogues["each"][number], answer: readonly number[]) => ({
    prompt: d.prompt,
    answer,
  });
  return {
    refused: restricted.map((d) => asks(d, d.wanted)),
    forbidden: restricted.map((d) => asks(d, d.forbidden ?? [])),
    wanted: dialogues.each.map((d) => asks(d, d.wanted)),
    dialogues,
    length: own.x.dims[1] as number,
    batch: (said) => rowsOf(own, said),
  };
}

/**
 * Goes through some of all again and again, each time in another order.
 *
 * @returns so many of them each time it is asked
 */
export function inTurn<T>(
  all: readonly T[],
  random: Random,
): (count: number) => T[] {
  let waiting: T[] = [];
  let pass = 0;
  return (count) => {
    const taken: T[] = [];
    while (taken.length < count) {
      if (waiting.length === 0)
        waiting = random
          .fork(`pass ${pass++}`)
          .permutation(all.length)
          .map((i) => all[i] as T);
      taken.push(...waiting.splice(0, count - taken.length));
    }
    return taken;
  };
}

/** A batch with the rows of another behind its own. */
export function joined(batch: Batch<Input>, more: Batch): Batch<Input> {
  if (more.y.length === 0) return batch;
  return {
    ...batch,
    x: concatRows([batch.x as FloatTensor, more.x]),
    y: Int32Array.of(...batch.y, ...more.y),
    targets: concatRows([batch.targets as FloatTensor, more.targets!]),
  };
}
