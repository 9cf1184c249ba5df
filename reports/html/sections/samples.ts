import { type Cell, fatesOf, type Results } from "#results";
import { anchor, plain, whole } from "../../format.ts";
import { toldOf } from "./fates.ts";

/** What the task of a model that has only one is called. */
const ONLY = "main";

/** The task whose samples a candidate is attacked on. */
export const taskOf = (candidate: string, { candidates }: Results): string =>
  candidates.find((c) => c.id === candidate)?.member?.task ?? ONLY;

/** The id of the row of a sample. */
export const sampleId = (task: string, sample: number): string =>
  `${anchor("samples", task)}-${sample}`;

/**
 * The attacked samples of each task, a row each: what is right, and how many cells
 * broke it. What each cell did to a sample stands on the page of the cell.
 */
export function samplesView(results: Results) {
  const { cells, candidates } = results;
  const { listed } = toldOf(results);
  const tasks = [...new Set(cells.map((c) => taskOf(c.candidate, results)))];
  const shown = new Map(
    [...results.gallery, ...(results.textGallery ?? [])].map((e) => {
      const candidate = cells.find((c) => c.id === e.cell)?.candidate ?? "";
      return [
        sampleId(taskOf(candidate, results), e.sample),
        exampleId(e.cell, e.sample),
      ];
    }),
  );
  return tasks.map((task) => {
    const own = cells.filter((c) => taskOf(c.candidate, results) === task);
    const known = results.samples?.find((s) => s.task === task);
    const classes =
      candidates.find((c) => c.member?.task === task)?.member?.classes ??
      results.classes;
    const right = known?.labels?.split(" ") ?? [];
    const fingerprints = known?.fingerprints.split(" ") ?? [];
    const rows = tallies(own)
      .slice(0, listed)
      .map((tally, i) => ({
        id: sampleId(task, i),
        number: i,
        right: right[i] === undefined ? "" : plain(classes[+right[i]] ?? "?"),
        fingerprint: fingerprints[i] ?? "",
        picture: shown.get(sampleId(task, i)) ?? null,
        ...tally,
        fewest: tally.fewest === null ? "-" : whole(tally.fewest),
      }));
    return {
      id: anchor("samples", task),
      title: task === ONLY ? "Samples" : `Samples of the task ${plain(task)}`,
      cells: own.length,
      labelled: right.length > 0,
      fingerprinted: fingerprints.length > 0,
      pictured: rows.some((row) => row.picture),
      rows,
      left: Math.max(0, longestOf(own) - rows.length),
    };
  });
}

const longestOf = (cells: readonly Cell[]): number =>
  Math.max(0, ...cells.map((c) => c.outcomes.length));

/** Of each sample in how many cells what became of it, and the least queries for it. */
function tallies(cells: readonly Cell[]) {
  const found = Array.from({ length: longestOf(cells) }, () => ({
    robust: 0,
    broken: 0,
    wrong: 0,
    absent: 0,
    fewest: null as number | null,
  }));
  for (const { outcomes, queriesToBreak } of cells)
    for (const [i, fate] of fatesOf(outcomes).entries()) {
      const tally = found[i]!;
      tally[fate]++;
      const queries = queriesToBreak[i] || null;
      if (queries !== null)
        tally.fewest = Math.min(queries, tally.fewest ?? queries);
    }
  return found;
}

/** The id of a picture or text of the gallery. */
export const exampleId = (cell: string, sample: number): string =>
  anchor("example", `${cell} ${sample}`);
