import { statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { readResults } from "#audit";
import { AssayError } from "#core";
import type { Results } from "#results";
import { type FoundRun, findRuns, runAt } from "./runs.ts";

/** What a list says of a run. */
export interface Summary {
  readonly title: string;
  readonly suite: string;
  readonly startedAt: string;
  readonly verdict: Results["gate"]["verdict"];
  readonly candidates: readonly string[];
}

/** A run in a list, and what it is; or why that cannot be read. */
export interface Listed {
  readonly run: FoundRun;
  readonly summary: Summary | null;
  readonly why: string | null;
}

/** Results that are kept in memory, of runs that were looked at last. */
const KEPT = 4;

/** The runs at some paths. Each is read when it is asked for, and when it changed. */
export class Library {
  readonly #paths: readonly string[];
  readonly #places = new Map<string, string>();
  readonly #summaries = new Map<string, Listed>();
  readonly #results = new Map<string, Results>();

  /** @throws FILE_UNREADABLE where a path is not there */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
    this.all();
  }

  all(): FoundRun[] {
    const runs = findRuns(this.#paths);
    for (const { id, place } of runs) this.#places.set(id, place);
    return runs;
  }

  /** A run as it is now. Folders are searched only for one that was not seen before. */
  find(id: string): FoundRun | undefined {
    if (!this.#places.has(id)) this.all();
    const place = this.#places.get(id);
    return place === undefined ? undefined : runAt(place);
  }

  /** @throws RESULTS_MISSING, and what `readResults` throws */
  results(run: FoundRun): Results {
    const { file } = run;
    if (file === null)
      throw new AssayError(
        "RESULTS_MISSING",
        `${run.name} has no results yet`,
        "They are written when its command ends.",
      );
    const stamp = stampOf(file);
    const results = this.#results.get(stamp) ?? readResults(file);
    this.#results.delete(stamp);
    this.#results.set(stamp, results);
    for (const old of [...this.#results.keys()].slice(0, -KEPT))
      this.#results.delete(old);
    return results;
  }

  /** All runs, the last one first. */
  async list(): Promise<Listed[]> {
    const listed: Listed[] = [];
    for (const run of this.all()) {
      listed.push(this.#listed(run));
      // Others are answered meanwhile.
      await setImmediate();
    }
    const startOf = ({ summary }: Listed) => summary?.startedAt ?? "";
    return listed.sort((a, b) => (startOf(a) < startOf(b) ? 1 : -1));
  }

  #listed(run: FoundRun): Listed {
    if (run.file === null) return { run, summary: null, why: null };
    const stamp = stampOf(run.file);
    const known = this.#summaries.get(stamp);
    if (known) return { ...known, run };
    const listed = { run, ...this.#summarised(run) };
    this.#summaries.set(stamp, listed);
    return listed;
  }

  #summarised(run: FoundRun): Pick<Listed, "summary" | "why"> {
    try {
      return { summary: summaryOf(readResults(run.file!)), why: null };
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      return { summary: null, why: error.message };
    }
  }
}

const summaryOf = (results: Results): Summary => ({
  title: results.title,
  suite: results.provenance.suite.file,
  startedAt: results.timing.startedAt,
  verdict: results.gate.verdict,
  candidates: results.candidates.map(({ id }) => id),
});

/** A file as it is now. */
function stampOf(file: string): string {
  const { mtimeMs, size } = statSync(file);
  return `${file} ${mtimeMs} ${size}`;
}
