/** What a cell of a file holds before it has a type. */
export type Cell = string | number | bigint | boolean | null | undefined;

/** A column whose cells are read as numbers, and what is none. */
export interface Numbers {
  readonly values: Float64Array;
  /** Cells that are not written as a number, by their row. */
  readonly odd: ReadonlyMap<number, string>;
}

/** A number as tables write it. */
export const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a cell is written as; undefined for anything else. */
export function numberIn(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Numbers as they come, a quarter of the memory of their texts. */
export class NumberColumn implements Numbers {
  readonly odd = new Map<number, string>();
  #values = new Float64Array(1024);
  #count = 0;

  get values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }

  add(cell: string): void {
    const text = cell.trim();
    const value = numberIn(text);
    if (value === undefined) this.odd.set(this.#count, text);
    this.push(value ?? Number.NaN);
  }

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const more = new Float64Array(2 * this.#count);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.#count++] = value;
  }
}
