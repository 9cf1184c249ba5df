import { argmaxRows } from "#model";
import { type FloatTensor, takeRows } from "#onnx";

/**
 * The book-keeping of every attack: which samples still stand, and the best
 * example of each. A sample leaves once an example is misclassified, so later
 * steps cost nothing for it.
 */
export class OpenSamples {
  readonly #best: Float32Array;
  readonly #dims: readonly number[];
  readonly #labels: Int32Array;
  readonly #width: number;
  #open: number[];

  constructor(x: FloatTensor, y: Int32Array) {
    this.#best = Float32Array.from(x.data);
    this.#dims = x.dims;
    this.#labels = y;
    this.#width = x.data.length / Math.max(1, y.length);
    this.#open = Array.from(y, (_, i) => i);
  }

  /** Indices of the samples that still stand, ascending. */
  get indices(): readonly number[] {
    return this.#open;
  }

  get count(): number {
    return this.#open.length;
  }

  /** The rows of a full batch that belong to open samples. */
  rowsOf(full: FloatTensor): FloatTensor {
    return this.#open.length === full.dims[0]
      ? full
      : takeRows(full, this.#open);
  }

  pick<T>(values: ArrayLike<T>): T[] {
    return this.#open.map((i) => values[i] as T);
  }

  /**
   * Keeps the examples of the open samples as their latest try, closes those
   * that the logits misclassify, and returns the positions (within the open
   * ones) of those that still stand.
   */
  keep(examples: FloatTensor, logits: FloatTensor): number[] {
    return this.keepPredictions(examples, argmaxRows(logits));
  }

  /** The same from predicted classes. */
  keepPredictions(examples: FloatTensor, predictions: Int32Array): number[] {
    const standing: number[] = [];
    this.#open.forEach((sample, at) => {
      const row = examples.data.subarray(
        at * this.#width,
        (at + 1) * this.#width,
      );
      this.#best.set(row, sample * this.#width);
      if (predictions[at] === this.#labels[sample]) standing.push(at);
    });
    this.#open = standing.map((at) => this.#open[at] as number);
    return standing;
  }

  /** One example a sample: the one that broke it, or the latest try. */
  examples(): FloatTensor {
    return { type: "float32", dims: this.#dims, data: this.#best };
  }
}
