import type { Explained } from "#core";
import type { Results } from "./index.ts";

/** A form in which results are written, for people or for other tools. */
export interface Reporter extends Explained {
  readonly id: string;
  readonly title: string;
  /** Where the form is specified; "-" where it is our own. */
  readonly reference: string;
  /** Its file in the folder of a run, or its folder, unless a person names another. */
  readonly file: string;
  /**
   * The results document in this form. The same results give the same bytes: it knows
   * neither clock nor machine. Names, notes and messages in the document come from
   * outside; it escapes them. A number that is not trusted is marked wherever it stands.
   *
   * @returns the contents of the file; or files of a folder, one by one
   */
  render(
    results: Results,
    kept: Kept,
  ): Content | Promise<Content> | AsyncIterable<NamedFile>;
  /**
   * Sends the results to a server, where a person names its address; absent where there
   * is nothing to send.
   *
   * @param address of http or https
   * @throws where the server does not take them
   */
  send?(results: Results, kept: Kept, address: string): Promise<void>;
}

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
