import { floats } from "#onnx";
import type { Meaning } from "./meaning.ts";
import { besideRight, rowsOf, waysInGraph } from "./ways.ts";

/**
 * Values: a sample is wrong when an output is farther from its target than the
 * tolerance. Every output has two ways to be wrong, too high and too low, whose
 * logits are the excess in units of the tolerance.
 *
 * @param spread the unit of each output in which losses are measured
 */
export function regression(
  names: readonly string[],
  tolerance: number,
  spread: readonly number[],
): Meaning {
  const ways = (row: Float32Array, wanted: Float32Array): number[] => {
    const off = Array.from(row, (v, k) => (v - wanted[k]!) / tolerance);
    return [...off.map((d) => d - 1), ...off.map((d) => -d - 1)];
  };
  return {
    classes: 1 + 2 * names.length,
    targets: true,
    loss: "squared-error",
    broken: `${names.length === 1 ? "it" : "an output"} is off by more than ${tolerance}`,
    measured: (b, values) =>
      spread.every((s) => s === 1)
        ? values
        : b.div(values, b.constant(floats([1, spread.length], spread))),
    view: (outputs, targets) => besideRight(outputs, targets, ways),
    build(b, outputs, targets) {
      const off = b.div(b.sub(outputs, targets), tolerance);
      return waysInGraph(b, [b.sub(off, 1), b.sub(b.neg(off), 1)]);
    },
    lossOf(row, { targets = new Float32Array(row.length) }) {
      let sum = 0;
      for (let k = 0; k < row.length; k++)
        sum += ((row[k]! - targets[k]!) / spread[k]!) ** 2;
      return sum / row.length;
    },
    slopeOf: (row, { targets = new Float32Array(row.length) }) =>
      Math.max(
        ...targets.map((y, k) => (2 * Math.abs(row[k]! - y)) / spread[k]! ** 2),
      ),
    answer: (row) =>
      Array.from(row, (v) => Number(v.toPrecision(4))).join(", "),
    confidence: () => null,
    saying: (targets) => targets,
    said: (outputs) => outputs,
    // By one.
    missed: (outputs) => outputs.map((v) => v - 1),
    measures(outputs, targets) {
      const errors = rowsOf(outputs, targets).flatMap(([row, wanted]) =>
        Array.from(row, (v, k) => Math.abs(v - wanted[k]!)),
      );
      const mean = (of: (e: number) => number) =>
        errors.reduce((sum, e) => sum + of(e), 0) / errors.length;
      return [
        { name: "mean absolute error", value: mean((e) => e) },
        {
          name: "root mean squared error",
          value: Math.sqrt(mean((e) => e * e)),
        },
      ];
    },
  };
}
