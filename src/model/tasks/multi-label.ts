import type { FloatTensor } from "#onnx";
import type { Meaning } from "./meaning.ts";
import { besideRight, rowsOf, waysInGraph } from "./ways.ts";

/**
 * Several labels a sample, each of which holds (1) or not (0): a logit each,
 * above 0 where the model says that it holds.
 *
 * A sample is wrong when at least `flips` of the labels that count are. With
 * one, each label is a way to be wrong; with more there is one way, whose logit
 * is that of the last label that has to flip.
 *
 * @param counted indices of the labels that count; all when left out
 */
export function multiLabel(
  names: readonly string[],
  flips: number,
  counted?: readonly number[],
): Meaning {
  const count = counted?.length ?? names.length;
  const which = counted ?? names.map((_, k) => k);
  const flip = (z: number, y: number) => (1 - 2 * y) * z;
  const ways = (row: Float32Array, wanted: Float32Array): number[] => {
    const all = which.map((k) => flip(row[k]!, wanted[k]!));
    if (flips === 1) return all;
    // NaN must not be sorted away.
    if (all.some(Number.isNaN)) return [Number.NaN];
    return [all.sort((a, b) => b - a)[flips - 1]!];
  };
  const some = counted
    ? `${flips === 1 ? "one" : `at least ${flips}`} of ${which.map((k) => names[k]).join(", ")}`
    : flips === 1
      ? "any label"
      : `at least ${flips} labels`;
  return {
    classes: 1 + (flips === 1 ? count : 1),
    targets: true,
    loss: "binary-cross-entropy",
    broken: `${some} ${flips === 1 ? "is" : "are"} wrong`,
    counted,
    view: (outputs, targets) => besideRight(outputs, targets, ways),
    build(b, outputs, targets) {
      const all = b.mul(outputs, b.sub(1, b.mul(targets, 2)));
      if (flips === 1) return waysInGraph(b, [all]);
      const [sorted = ""] = b.many("TopK", [all, b.ints([flips])], {}, 2);
      return waysInGraph(b, [b.slice(sorted, [flips - 1], [flips], [1])]);
    },
    lossOf: (row, { targets = new Float32Array(row.length) }) =>
      mean(which, (k) => softplus(row[k]!) - row[k]! * targets[k]!),
    slopeOf: () => 1,
    answer: (row) => names.filter((_, k) => isOn(row[k])).join(", ") || "none",
    confidence: (row) => 1 / (1 + Math.exp(-Math.min(...row.map(Math.abs)))),
    saying: (targets) => targets.map((y) => 2 * y - 1),
    said: (outputs) => outputs.map((z) => Number(isOn(z))),
    // By one.
    missed: (outputs) => outputs.map((v) => v - 1),
    measures(outputs, targets) {
      const right = rowsOf(outputs, targets).flatMap(([row, wanted]) =>
        Array.from(row, (z, k) => Number(isOn(z) === (wanted[k] === 1))),
      );
      return [{ name: "Hamming accuracy", value: mean(right, (v) => v) }];
    },
  };
}

const isOn = (z: number | undefined) => (z as number) > 0;

const softplus = (z: number) =>
  Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

function mean(
  values: ArrayLike<number>,
  of: (value: number, k: number) => number,
): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += of(values[k]!, k);
  return sum / values.length;
}

/** Whether every target is 0 or 1. */
export const areLabels = ({ data }: FloatTensor) =>
  data.every((v) => v === 0 || v === 1);
