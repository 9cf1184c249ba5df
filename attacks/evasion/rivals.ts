import { takeRows } from "#onnx";
import type { AttackInput } from "../attack.ts";
import { rowOf } from "./vectors.ts";

/** The other classes of each sample, likeliest first. */
export type Rivals = ReadonlyMap<number, readonly number[]>;

/**
 * The likeliest other classes of each sample that still stands, by its clean
 * scores, which are asked for only where they make a difference.
 *
 * @param count at most so many, and never more than there are
 * @param inOrder whether it matters which of those is likelier
 */
export async function rivalsOf(
  { target, x, y }: Pick<AttackInput<unknown>, "target" | "x" | "y">,
  count: number,
  inOrder = true,
): Promise<Rivals> {
  const classes = Array.from({ length: target.classes }, (_, k) => k);
  const open = target.open();
  const others = (i: number) => classes.filter((k) => k !== y[i]);
  const enough = inOrder ? 1 : count;
  if (target.classes - 1 <= enough || open.length === 0)
    return new Map(open.map((i) => [i, others(i)]));
  const scores = await target.scores(takeRows(x, open), open);
  return new Map(
    open.map((i, place) => {
      const row = rowOf(scores, place);
      const ranked = others(i).sort((a, b) => row[b]! - row[a]! || a - b);
      return [i, ranked.slice(0, count)];
    }),
  );
}
