import { type Attack, attackOn, attacks, ballOf } from "#attacks";
import { Random } from "#core";
import { argmaxRows, type CompiledModel } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { Row } from "./rows.ts";

/** What an attack did to the first samples. */
export interface Outcome {
  /** Share of all samples that are right clean and under the attack. */
  robust: number;
  /**
   * Of the distances of the nearest examples; null where fewer than half of the
   * samples were broken.
   */
  median: number | null;
  /** Of processor time. */
  seconds: number;
}

/** Runs an attack of Assay as a row says. */
export async function outcomeOf(
  model: CompiledModel,
  row: Pick<Row, "norm" | "eps" | "attack" | "params" | "samples"> & {
    readonly seed: number;
  },
  x: FloatTensor,
  y: ArrayLike<number>,
): Promise<Outcome> {
  const unit = attacks.find((a) => a.id === row.attack) as Attack;
  const some = Array.from({ length: row.samples }, (_, i) => i);
  const predicted = argmaxRows(await model.logits(takeRows(x, some)));
  const right = some.filter((i) => predicted[i] === y[i]);
  const ball = ballOf(row.norm, row.eps ?? Number.POSITIVE_INFINITY, [0, 1]);
  const { target, run } = attackOn(
    model,
    { x, y: Int32Array.from(y) },
    { unit, params: unit.params.parse(row.params) },
    { ball },
    { rows: right, random: new Random(row.seed) },
  );
  const begun = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(begun);
  const distances = Array.from(target.distances).sort((a, b) => a - b);
  const standing = distances.filter((d) => d === Number.POSITIVE_INFINITY);
  // As PyTorch's median, the lower one of an even count.
  const median = distances[Math.floor((distances.length - 1) / 2)]!;
  return {
    robust: standing.length / row.samples,
    median: Number.isFinite(median) ? median : null,
    seconds: (user + system) / 1e6,
  };
}
