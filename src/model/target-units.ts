import { type FloatTensor, floats, GraphBuilder } from "#onnx";
import type { Model, TargetUnit } from "./model.ts";
import type { Task } from "./tasks/index.ts";

/** Mean and standard deviation of each column of targets [N, outputs]. */
export function unitOf({ data, dims }: FloatTensor): TargetUnit {
  const [n = 0, width = 0] = dims;
  const over = (k: number, of: (v: number) => number) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += of(data[i * width + k]!);
    return sum / n;
  };
  const mean = Array.from({ length: width }, (_, k) => over(k, (v) => v));
  const spread = mean.map(
    (m, k) =>
      // A column that never changes has no spread to measure by.
      Math.sqrt(over(k, (v) => (v - m) ** 2)) || 1,
  );
  return { mean, spread };
}

/**
 * A fresh model of values, which then says them in the unit of its targets: its last
 * layer learns standardised values, and losses are measured in their spread, so that
 * prices are learned as shares are. Any other model as it is.
 *
 * @param targets what it will learn, [N, outputs]
 */
export function inTargetUnits(model: Model, targets?: FloatTensor): Model {
  if (model.task?.kind !== "regression" || !targets) return model;
  const unit = unitOf(targets);
  const b = new GraphBuilder(model.graph, "output/");
  const logits = addUnit(b, model.logits, unit);
  const task = taskIn(model.task, unit);
  return { ...model, graph: b.build([logits]), logits, task };
}

/** The same for what a head learns. */
export const taskIn = (task: Task, { spread }: TargetUnit): Task =>
  task.kind === "regression" ? { ...task, spread: [...spread] } : task;

/** Standardised values [N, outputs] in the unit of targets. */
export function addUnit(
  b: GraphBuilder,
  values: string,
  { mean, spread }: TargetUnit,
): string {
  const row = (numbers: readonly number[]) =>
    b.constant(floats([1, numbers.length], numbers));
  return b.add(b.mul(values, row(spread)), row(mean));
}
