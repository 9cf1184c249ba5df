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
  const places = Array.from(wanted.keys()).filter((p) => wanted[p]! >= 0);
  const n = places.length;
  const truth = new Int32Array(n);
  const said = new Int32Array(n);
  const rival = new Int32Array(n);
  const margin = new Float32Array(n);
  for (const [i, p] of places.entries()) {
    const right = wanted[p]!;
    let best = -1;
    for (let k = 0; k < classes; k++) {
      const z = row[k * all + p]!;
      if (Number.isNaN(z)) return null;
      if (k !== right && (best < 0 || z > row[best * all + p]!)) best = k;
    }
    const gap = row[best * all + p]! - row[right * all + p]!;
    const isLost = gap > 0 || (gap === 0 && best < right);
    truth[i] = right;
    rival[i] = best;
    said[i] = isLost ? best : right;
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
  const { margin } = reading;
  if (margin.length === 0) return Number.NEGATIVE_INFINITY;
  const order = Array.from(margin.keys()).sort(
    (i, k) => margin[k]! - margin[i]!,
  );
  const needed = order.slice(0, neededOf(reading, standard, classes, order));
  const lacking = needed.reduce((sum, i) => sum + Math.min(margin[i]!, 0), 0);
  return lacking / needed.length + Math.max(margin[needed.at(-1)!]!, 0);
}

/** How many positions have to be wrong, when they become so in this order. */
function neededOf(
  { truth, rival }: Reading,
  { measure, least }: Standard,
  classes: number,
  order: readonly number[],
): number {
  if (measure === "share") return fewestWrong(order.length, least);
  const overlap = new Overlap(truth, truth, classes);
  const last = order.findIndex((i) => {
    overlap.move(truth[i]!, rival[i]!);
    return overlap.mean < least - SLACK;
  });
  return last + 1;
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
