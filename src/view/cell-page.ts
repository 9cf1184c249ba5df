import { line } from "#core";
import { arePictures, isRows } from "#reports";
import { type Cell, type Fate, fatesOf } from "#results";
import { page } from "./pages.ts";
import {
  homeOf,
  outcomes,
  outcomeWords,
  type Place,
  samplesOf,
} from "./place.ts";
import { type SampleRow, sampleRow } from "./sample-row.ts";
import { share } from "./words.ts";

/** What a person asked to see of it. */
export interface Wish {
  readonly outcome: Fate | null;
  /** Where the page begins, among the samples of that outcome. */
  readonly from: number;
  /** The sample that it begins with instead, or the next one of that outcome. */
  readonly sample: number | null;
}

/** Samples that a page has without scripts, and that scripts ask for at once. */
export const PAGE = 50;

/** A cell: what it comes to, why it may be believed, and a page of its samples. */
export function cellPage(place: Place, wish: Wish): string {
  const { run, results, cell, shown } = place;
  const samples = samplesOf(cell, wish.outcome);
  const home = homeOf(place);
  const from = beginningOf(samples, wish);
  const query = wish.outcome === null ? "" : `outcome=${wish.outcome}&`;
  const at = (n: number) => `${home}?${query}from=${n}`;
  return page("cell", {
    title: line(cell.id),
    script: "samples.js",
    run: `/runs/${run.id}`,
    runTitle: line(results.title),
    home,
    clean: share(cell.cleanAccuracy),
    robust: share(cell.robustAccuracy),
    trusted: cell.trusted,
    checks: cell.checks
      .filter(({ status }) => status !== "passed")
      .map(({ title, status, message }) => ({
        title: line(title),
        status,
        message: line(message),
      })),
    reproduce: line(cell.reproduce),
    why: shown.why && line(shown.why),
    arrays: shown.made !== null && isRows(shown.made.attacked),
    lines: shown.made !== null,
    kinds: kindsOf(cell, wish, home),
    count: samples.length,
    from,
    outcome: wish.outcome ?? "",
    rows: rowsPart(place, wish.outcome, from, PAGE, samples),
    ariaRows: samples.length + 1,
    pictures: shown.made !== null && arePictures(shown.made),
    before: from > 0 ? at(Math.max(0, from - PAGE)) : null,
    after: from + PAGE < samples.length ? at(from + PAGE) : null,
    place: `${samples.length === 0 ? 0 : from + 1} to ${Math.min(from + PAGE, samples.length)} of ${samples.length}`,
  });
}

/** Where a page begins. */
function beginningOf(samples: readonly number[], wish: Wish): number {
  const at =
    wish.sample === null
      ? wish.from
      : samples.findIndex((i) => i >= wish.sample!);
  return at < 0
    ? Math.max(0, samples.length - 1)
    : Math.min(at, samples.length);
}

/** The outcomes with their numbers, as links. */
function kindsOf(cell: Cell, wish: Wish, home: string) {
  const counts = new Map<Fate | null, number>([[null, cell.outcomes.length]]);
  for (const fate of fatesOf(cell.outcomes))
    counts.set(fate, (counts.get(fate) ?? 0) + 1);
  const all = [null, ...outcomes.map(([outcome]) => outcome)];
  return all
    .map((outcome) => ({ outcome, count: counts.get(outcome) ?? 0 }))
    .filter(({ outcome, count }) => outcome === null || count > 0)
    .map(({ outcome, count }) => ({
      text: `${outcome === null ? "all" : outcomeWords.get(outcome)}: ${count}`,
      href: outcome === null ? home : `${home}?outcome=${outcome}`,
      chosen: outcome === wish.outcome,
    }));
}

/** Some rows of the table of samples, as a part of its page. */
export function rowsPart(
  place: Place,
  outcome: Fate | null,
  from: number,
  count: number,
  samples = samplesOf(place.cell, outcome),
): string {
  const home = homeOf(place);
  const rows: (SampleRow & { at: number })[] = samples
    .slice(from, from + count)
    .map((sample, k) => ({
      at: from + k + 2,
      ...sampleRow(place, sample),
    }));
  return page("rows", {
    home,
    query: outcome ? `?outcome=${outcome}` : "",
    rows,
  });
}
