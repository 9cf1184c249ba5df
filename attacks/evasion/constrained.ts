import { argmaxRows, type Target } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import {
  addSlopes,
  recompute,
  repair,
  restore,
  slopesOfChanges,
  type Table,
  unscaled,
  violationOf,
} from "#tables";
import type { Ball } from "../ball.ts";
import { rowOf } from "./vectors.ts";

/** A change of one scaled row, in place, around its clean one. */
type Fix = (table: Table, clean: ArrayLike<number>, row: Float32Array) => void;

/** Rows with each of them fixed. */
function fixed(
  table: Table,
  clean: FloatTensor,
  x: FloatTensor,
  fix: Fix,
): FloatTensor {
  const out = { ...x, data: Float32Array.from(x.data) };
  for (let i = 0; i < (x.dims[0] ?? 0); i++)
    fix(table, rowOf(clean, i), rowOf(out, i));
  return out;
}

/**
 * Rows as the attacker could make them, as far as types, fixed columns and definitions
 * go; what are no rows of a table as they are.
 *
 * @param clean the rows that they come from, [N, columns]
 * @param x the rows that are repaired, [N, columns]; they stay as they are
 * @example
 * ```ts
 * import { loadData, sampleData } from "assay";
 * import { ballOf, Random, repaired } from "assay/units";
 *
 * const { x, table } = sampleData(await loadData({ source: "loans" }), 2);
 * const ball = ballOf("linf", 0.1, [0, 1], table);
 * const drawn = ball.randomPoint(x, [new Random(1), new Random(2)]);
 * const rows = repaired(ball, x, drawn);
 * console.log(rows.dims[0]); // 2
 * ```
 */
export const repaired = (
  { table }: Ball,
  clean: FloatTensor,
  x: FloatTensor,
): FloatTensor => (table ? fixed(table, clean, x, repair) : x);

/**
 * The same ball with what must not change put back after each projection, and columns
 * that others define computed anew.
 */
export function tableBall(ball: Ball): Ball {
  const { table } = ball;
  if (!table) return ball;
  const fix: Fix = (_, clean, row) => {
    restore(table, clean, row);
    recompute(table, row);
  };
  return {
    ...ball,
    project: (centre, x, lent) =>
      fixed(table, centre, ball.project(centre, x, lent), fix),
    randomPoint: (centre, random) =>
      fixed(table, centre, ball.randomPoint(centre, random), fix),
  };
}

/**
 * Of rows of a table the target with the loss less the violation of the constraints,
 * in the units of the columns, and its gradient by what the attacker moves. A row that
 * is misclassified but not of the right types is repaired and asked about at once.
 */
export function tableTarget(
  target: Target,
  x: FloatTensor,
  y: Int32Array,
  ball: Ball,
): Target {
  const { table } = ball;
  if (!table) return target;
  const askRepaired = async (
    points: FloatTensor,
    samples: readonly number[],
    predicted: Int32Array,
  ) => {
    const open = new Set(target.open());
    const wrong = samples.flatMap((sample, place) =>
      open.has(sample) && predicted[place] !== y[sample] ? [place] : [],
    );
    if (wrong.length === 0) return;
    const of = wrong.map((place) => samples[place]!);
    const clean = takeRows(x, of);
    await target.predict(repaired(ball, clean, takeRows(points, wrong)), of);
  };
  return Object.create(target, {
    // A gradient may bring a repaired row with it.
    open: { value: (queries = 1) => target.open(queries + 1) },
    lossGradient: {
      async value(
        ...[points, samples, objective]: Parameters<Target["lossGradient"]>
      ) {
        const answer = await target.lossGradient(points, samples, objective);
        const loss = answer.loss.slice();
        const gradient = {
          ...answer.gradient,
          data: answer.gradient.data.slice(),
        };
        samples.forEach((sample, place) => {
          const slopes = rowOf(gradient, place);
          const raw = unscaled(table, rowOf(points, place));
          const excess = violationOf(table, raw);
          if (excess > 0) {
            loss[place] = loss[place]! - excess;
            const felt = new Float64Array(slopes.length);
            for (const one of table.relations) addSlopes(one, raw, table, felt);
            for (const [i, { span }] of table.features.entries())
              slopes[i] = slopes[i]! - felt[i]! * span;
          }
          slopesOfChanges(
            table,
            rowOf(x, sample),
            rowOf(points, place),
            slopes,
          );
        });
        await askRepaired(points, samples, argmaxRows(answer.logits));
        return { ...answer, loss, gradient };
      },
    },
    predict: {
      async value(...[points, samples]: Parameters<Target["predict"]>) {
        const predicted = await target.predict(points, samples);
        await askRepaired(points, samples, predicted);
        return predicted;
      },
    },
  }) as Target;
}
