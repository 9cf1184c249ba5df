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

/** The first of some texts that can be an example of a sample; undefined for none. */
export const firstAllowed = (
  { x, ball }: Pick<TextInput<unknown>, "x" | "ball">,
  sample: number,
  texts: readonly (string | null)[],
): string | undefined =>
  texts.find(
    (text): text is string =>
      text !== null && ball.allows?.([x[sample]!], [text]) !== false,
  );

/**
 * The loss of each text at the true label of its sample; the least of all for one that
 * would be no example, of which nothing is asked. A sample must be able to afford its
 * tries.
 */
export async function lossesOf(
  {
    target,
    x,
    y,
    ball,
  }: Pick<TextInput<unknown>, "target" | "x" | "y" | "ball">,
  tries: readonly Try[],
  lossOf: (scores: Float32Array, label: number) => number = crossEntropyOf,
): Promise<number[]> {
  const isAsked = tries.map(
    ({ sample, text }) => ball.allows?.([x[sample]!], [text]) !== false,
  );
  const asked = tries.filter((_, i) => isAsked[i]);
  const found = await answered({ target, y }, asked, lossOf);
  let next = 0;
  return isAsked.map((is) => (is ? found[next++]! : Number.NEGATIVE_INFINITY));
}

async function answered(
  { target, y }: Pick<TextInput<unknown>, "target" | "y">,
  tries: readonly Try[],
  lossOf: (scores: Float32Array, label: number) => number,
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
