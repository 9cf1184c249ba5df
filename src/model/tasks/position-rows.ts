/** How much of a sample has to be right for the sample to be. */
export interface Standard {
  /** Share of the positions that are right, or mean IoU of the classes. */
  readonly measure: "share" | "iou";
  /** The least of it, in (0, 1]. */
  readonly least: number;
}

/** What a row of outputs says at the positions that count, in their order. */
export interface Reading {
  /** The class that is right. */
  readonly truth: Int32Array;
  /** The class of the largest logit, the first of equal ones. */
  readonly said: Int32Array;
  /** The largest of the other classes. */
  readonly rival: Int32Array;
  /** Its logit less that of the right one: above 0 where the position is wrong. */
  readonly margin: Float32Array;
}

/** Puts a tie that another class wins on the side of what is wrong. */
const LOST = 2 ** -126;

/**
 * Reads a row; null where a logit that counts is not a number.
 *
 * @param row [classes x positions], class by class
 * @param wanted [positions], the class of each; one below 0 does not count
 */
export function readRow(
  row: Float32Array,
  wanted: Float32Array,
  classes: number,
): Reading | null {
  const all = wanted.length;
  const places = Int32Array.from(wanted.keys()).filter((p) => wanted[p]! >= 0);
  const n = places.length;
  const truth = Int32Array.from(places, (p) => wanted[p]!);
  const rival = new Int32Array(n).fill(-1);
  const other = new Float32Array(n);
  const right = new Float32Array(n);
  // Class by class, as the numbers lie.
  for (let k = 0; k < classes; k++) {
    for (let i = 0; i < n; i++) {
      const z = row[k * all + places[i]!]!;
      if (Number.isNaN(z)) return null;
      if (k === truth[i]) right[i] = z;
      else if (rival[i]! < 0 || z > other[i]!) {
        rival[i] = k;
        other[i] = z;
      }
    }
  }
  const said = new Int32Array(n);
  const margin = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const gap = other[i]! - right[i]!;
    const isLost = gap > 0 || (gap === 0 && rival[i]! < truth[i]!);
    said[i] = isLost ? rival[i]! : truth[i]!;
    margin[i] = isLost ? Math.max(gap, LOST) : gap;
  }
  return { truth, said, rival, margin };
}

/** What a share is worth of so many positions, beyond the rounding of its product. */
const SLACK = 1e-9;

/** How many positions have to be wrong before a share of so many is below the least. */
export const fewestWrong = (counted: number, least: number): number =>
  Math.min(counted, Math.floor(counted * (1 - least) + SLACK) + 1);

/**
 * How far a sample is from being wrong, as a logit that is above 0 where it is: what
 * the positions that have to turn wrong for it still lack, mean over them. They turn in
 * the order of their margins. Once all have, it is the margin of the last.
 */
export function wayOf(
  reading: Reading,
  standard: Standard,
  classes: number,
): number {
  if (reading.margin.length === 0) return Number.NEGATIVE_INFINITY;
  const { margin, needed } = inOrder(reading, standard, classes);
  let lacking = 0;
  for (let i = 0; i < needed; i++) lacking += Math.min(margin[i]!, 0);
  return lacking / needed + Math.max(margin[needed - 1]!, 0);
}

/** Margins from the largest on, and how many positions have to be wrong. */
function inOrder(
  { truth, rival, margin }: Reading,
  { measure, least }: Standard,
  classes: number,
): { margin: Float32Array; needed: number } {
  if (measure === "share")
    return {
      margin: margin.toSorted().reverse(),
      needed: fewestWrong(margin.length, least),
    };
  const order = Int32Array.from(margin.keys()).sort(
    (i, k) => margin[k]! - margin[i]!,
  );
  const overlap = new Overlap(truth, truth, classes);
  const last = order.findIndex((i) => {
    overlap.move(truth[i]!, rival[i]!);
    return overlap.mean < least - SLACK;
  });
  return {
    margin: Float32Array.from(order, (i) => margin[i]!),
    needed: last + 1,
  };
}

/**
 * Intersection over union of each class, mean over those that are right or said
 * anywhere: all that counts of it, while single positions come to say another class.
 */
export class Overlap {
  readonly both: Int32Array;
  readonly either: Int32Array;
  #sum = 0;
  #present = 0;

  constructor(truth: Int32Array, said: Int32Array, classes: number) {
    this.both = new Int32Array(classes);
    this.either = new Int32Array(classes);
    truth.forEach((y, i) => {
      const s = said[i]!;
      this.either[y]!++;
      if (s === y) this.both[y]!++;
      else this.either[s]!++;
    });
    for (let k = 0; k < classes; k++) this.#count(k, 1);
  }

  /** One position that said what is right says another class. */
  move(truth: number, other: number): void {
    this.#count(truth, -1);
    this.#count(other, -1);
    this.both[truth]!--;
    this.either[other]!++;
    this.#count(truth, 1);
    this.#count(other, 1);
  }

  get mean(): number {
    return this.#present === 0 ? 1 : this.#sum / this.#present;
  }

  #count(k: number, sign: 1 | -1): void {
    if (this.either[k] === 0) return;
    this.#present += sign;
    this.#sum += (sign * this.both[k]!) / this.either[k]!;
  }
}
