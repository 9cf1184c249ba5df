/** What a file holds. */
export type Content = string | Uint8Array;

/** A file of a folder; its name may have folders in it, by "/". */
export interface NamedFile {
  readonly name: string;
  readonly content: Content;
}

/** What there is of a run besides its results. */
export interface Kept {
  /**
   * What the attack of a cell made of all its samples; undefined where the folder of
   * the run does not have it.
   */
  examplesOf(cell: string): Promise<Examples | undefined>;
  /** What was done while somebody watched, in the order in which it ended. */
  readonly works: readonly WorkTime[];
}

/** Samples of a cell as they were attacked, in order. */
export interface Examples {
  /** Rows of numbers in [0, 1], [samples, ...shape]; or a text for each sample. */
  readonly clean: Rows | readonly string[];
  readonly attacked: Rows | readonly string[];
  /** Names of the columns, where a sample is a row of a table. */
  readonly columns: readonly string[] | null;
  /** What is right of each sample, in words. */
  readonly labels: readonly string[];
}

export interface Rows {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** A work, such as the examples of a cell, and when it was done. */
export interface WorkTime {
  readonly work: string;
  readonly kind: string;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Why it failed; null where it is done. */
  readonly failure: string | null;
}
