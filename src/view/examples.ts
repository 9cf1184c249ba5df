import { examplesIn } from "#audit";
import { AssayError } from "#core";
import type { Cell, Examples, Kept, Results } from "#results";
import type { FoundRun } from "./runs.ts";

/** The samples of a cell as they were attacked; or why they are not shown. */
export type Shown =
  | { readonly made: Examples; readonly why: null }
  | { readonly made: null; readonly why: string };

/** What reads the examples that the folder of a run keeps. */
export type ReadExamples = (
  run: FoundRun,
  results: Results,
) => Kept["examplesOf"];

/**
 * Opens the suite of a run where it was run from.
 *
 * @param use whether it may run code: a module, or a suite that uses some
 */
export const readFrom =
  (use: boolean): ReadExamples =>
  ({ folder }, results) =>
    examplesIn({ out: folder, use }, results);

/** Cells whose samples are kept in memory. */
const KEPT = 2;

/** Examples of runs that are looked at; those of the last run and cells are kept. */
export class ExamplesAtHand {
  readonly #read: ReadExamples;
  #run: { of: Results; examplesOf: Kept["examplesOf"] } | undefined;
  readonly #cells = new Map<Cell, Promise<Shown>>();

  constructor(read: ReadExamples) {
    this.#read = read;
  }

  of(run: FoundRun, results: Results, cell: Cell): Promise<Shown> {
    if (this.#run?.of !== results) {
      this.#run = { of: results, examplesOf: this.#read(run, results) };
      this.#cells.clear();
    }
    const shown =
      this.#cells.get(cell) ?? shownOf(this.#run.examplesOf(cell.id));
    this.#cells.delete(cell);
    this.#cells.set(cell, shown);
    for (const old of [...this.#cells.keys()].slice(0, -KEPT))
      this.#cells.delete(old);
    return shown;
  }
}

async function shownOf(found: Promise<Examples | undefined>): Promise<Shown> {
  try {
    const made = await found;
    if (made) return { made, why: null };
    return {
      made: null,
      why: "The folder of the run has no examples of this cell.",
    };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const { message, hint } = error;
    return {
      made: null,
      why: `They are read again by the suite, and ${message}. ${hint}`,
    };
  }
}
