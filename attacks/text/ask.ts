import { crossEntropyOf } from "../evasion/score-losses.ts";
import { groupsOf, rowOf } from "../evasion/vectors.ts";
import type { TextInput } from "./attack.ts";

/** Texts of one question: many enough for the engine, few enough for memory. */
const ROWS = 512;

/** A text that is tried, of a sample. */
export interface Try {
  readonly sample: number;
  readonly text: string;
}

/** Tells of texts that an attack cannot begin with. */
export function noteUntried(
  { onNote }: Pick<TextInput<unknown>, "onNote">,
  attack: string,
  count: number,
): void {
  if (count > 0)
    onNote?.(
      `${attack}: ${count} ${count === 1 ? "text has" : "texts have"} more places than they have queries, and were not tried`,
    );
}

/**
 * The loss of each text at the true label of its sample. A sample must be able to
 * afford its tries.
 */
export async function lossesOf(
  { target, y }: Pick<TextInput<unknown>, "target" | "y">,
  tries: readonly Try[],
  lossOf: (scores: Float32Array, label: number) => number = crossEntropyOf,
): Promise<number[]> {
  const losses: number[] = [];
  for (const group of groupsOf(tries, ROWS)) {
    const scores = await target.scores(
      group.map(({ text }) => text),
      group.map(({ sample }) => sample),
    );
    for (const [i, { sample }] of group.entries())
      losses.push(lossOf(rowOf(scores, i), y[sample]!));
  }
  return losses;
}
