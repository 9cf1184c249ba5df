import { logSumExp, percent, softmax } from "#core";
import type { FloatTensor } from "#onnx";
import type { Meaning, Measure } from "./meaning.ts";
import { wayNodes } from "./position-nodes.ts";
import {
  Overlap,
  type Reading,
  readRow,
  type Standard,
  wayOf,
} from "./position-rows.ts";
import { besideRight, rowsOf, waysInGraph } from "./ways.ts";

/**
 * A class at each position of a sample: the pixels of an image, the tokens of a text,
 * the steps of a series. Outputs are [N, classes x positions], class by class, and
 * targets [N, positions] the class of each, where one below 0 does not count.
 *
 * A sample is wrong when too few of its positions are right, or when the mean IoU of
 * its classes is too low. That is one way to be wrong, whose logit is what the
 * positions that have to turn wrong for it still lack.
 */
export function positions(
  names: readonly string[],
  standard: Standard,
): Meaning {
  const classes = names.length;
  const { measure, least } = standard;
  const widthOf = ({ dims: [, width = 0] }: FloatTensor) => width / classes;
  const readings = (outputs: FloatTensor, targets: FloatTensor | undefined) =>
    rowsOf(outputs, targets, widthOf(outputs)).map(([row, wanted]) =>
      readRow(row, wanted, classes),
    );
  return {
    classes: 2,
    targets: true,
    targetWidth: (outputs) => outputs / classes,
    loss: "cross-entropy-by-position",
    broken:
      measure === "share"
        ? `fewer than ${percent(least)} of its positions are right`
        : `the mean IoU of its classes is below ${percent(least)}`,
    view: (outputs, targets) =>
      besideRight(
        outputs,
        targets,
        (row, wanted) => {
          const reading = readRow(row, wanted, classes);
          return [reading ? wayOf(reading, standard, classes) : Number.NaN];
        },
        widthOf(outputs),
      ),
    build: (b, outputs, targets) =>
      waysInGraph(b, [wayNodes(b, outputs, targets, standard)]),
    lossOf(row, { targets = new Float32Array(row.length / classes) }) {
      const all = targets.length;
      let sum = 0;
      let counted = 0;
      targets.forEach((y, p) => {
        if (y < 0) return;
        counted++;
        const logits = at(row, p, all, classes);
        sum += logSumExp(logits) - logits[y]!;
      });
      return sum / Math.max(1, counted);
    },
    // What rounds the logits of one position does not round those of others.
    slopeOf: (row) => 1 / Math.sqrt(row.length / classes),
    answer: (row) => inWords(largest(row, classes), names),
    confidence(row) {
      const all = row.length / classes;
      let sum = 0;
      let counted = 0;
      for (let p = 0; p < all; p++) {
        const top = Math.max(...softmax(at(row, p, all, classes)));
        // Where there is no word there is no number.
        if (Number.isNaN(top)) continue;
        sum += top;
        counted++;
      }
      return counted === 0 ? null : sum / counted;
    },
    saying(targets) {
      const all = targets.length;
      const row = new Float32Array(classes * all);
      targets.forEach((y, p) => {
        for (let k = 0; k < classes; k++)
          row[k * all + p] = y < 0 ? Number.NaN : Number(k === y);
      });
      return row;
    },
    said: (outputs) => largest(outputs, classes),
    missed: (outputs) =>
      largest(outputs, classes).map((k) => (k + 1) % classes),
    constants: (targets) => commonest(targets, classes),
    measures: (outputs, targets) =>
      measuresOf(readings(outputs, targets), classes),
  };
}

/** The logits of a position, in double precision. */
const at = (
  row: ArrayLike<number>,
  position: number,
  all: number,
  classes: number,
): number[] =>
  Array.from({ length: classes }, (_, k) => row[k * all + position]!);

/** The class of the largest logit at each position; -1 where none is a number. */
function largest(row: Float32Array, classes: number): Float32Array {
  const all = row.length / classes;
  return Float32Array.from({ length: all }, (_, p) => {
    let best = -1;
    for (let k = 0; k < classes; k++) {
      const z = row[k * all + p]!;
      if (!Number.isNaN(z) && (best < 0 || z > row[best * all + p]!)) best = k;
    }
    return best;
  });
}

/** Up to so many positions are said one by one. */
const FEW = 24;

/** Classes one by one, or each with its share: "sky 61.2 %, road 38.8 %". */
function inWords(said: Float32Array, names: readonly string[]): string {
  const counted = said.filter((k) => k >= 0);
  if (counted.length <= FEW)
    return Array.from(counted, (k) => names[k] ?? "?").join(" ");
  const counts = names.map((name, k) => ({
    name,
    count: counted.filter((s) => s === k).length,
  }));
  return counts
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count)
    .map(({ name, count }) => `${name} ${percent(count / counted.length)}`)
    .join(", ");
}

/**
 * What the best answer to all samples may be: each class everywhere, and at each
 * position the class that is right there most often.
 */
function commonest({ data, dims }: FloatTensor, classes: number) {
  const [n = 0, all = 0] = dims;
  const often = new Int32Array(classes * all);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < all; p++) {
      const y = data[i * all + p]!;
      if (y >= 0) often[y * all + p]!++;
    }
  return [
    largest(Float32Array.from(often), classes),
    ...Array.from({ length: classes }, (_, k) => new Float32Array(all).fill(k)),
  ];
}

function measuresOf(
  readings: readonly (Reading | null)[],
  classes: number,
): Measure[] {
  const overlaps = readings.map(
    (r) => r && new Overlap(r.truth, r.said, classes),
  );
  const shares = readings.map((r) =>
    r ? r.truth.filter((y, i) => y === r.said[i]).length / r.truth.length : 0,
  );
  const mean = (values: readonly number[]) =>
    values.reduce((sum, v) => sum + v, 0) / values.length;
  const each = overlaps.map((overlap) => overlap?.mean ?? 0);
  const sums = (of: "both" | "either") =>
    Array.from({ length: classes }, (_, k) =>
      overlaps.reduce((sum, o) => sum + (o?.[of][k] ?? 0), 0),
    );
  const [both, either] = [sums("both"), sums("either")];
  const present = either.flatMap((count, k) =>
    count > 0 ? both[k]! / count : [],
  );
  return [
    {
      name: "share of positions right, mean over samples",
      value: mean(shares),
      each: shares,
    },
    { name: "IoU, mean over samples", value: mean(each), each },
    { name: "IoU of all samples together", value: mean(present) },
  ];
}
