import { MAIN } from "#audit";
import { line } from "#core";
import {
  arePictures,
  type Piece,
  piecesOf,
  type Sample,
  sampleOf,
} from "#reports";
import { type Fate, fatesOf } from "#results";
import { segmentsOf } from "#texts";
import { page } from "./pages.ts";
import { homeOf, outcomeWords, type Place, samplesOf } from "./place.ts";
import { addressOf } from "./run-page.ts";
import { isThere, short } from "./sample-row.ts";

/** Edits are marked in texts whose product of lengths is no more: it takes as long. */
const MARKED = 4_000_000;

/** Columns and numbers that are listed. */
const LISTED = 1000;

/** One sample: clean, attacked, what changed, and how it fared elsewhere. */
export function samplePage(
  place: Place,
  sample: number,
  outcome: Fate | null,
): string {
  const { run, results, cell, shown } = place;
  const home = homeOf(place);
  const query = outcome ? `?outcome=${outcome}` : "";
  const fate = fateOf(cell.outcomes, sample);
  const made = shown.made && isThere(shown.made, sample) ? shown.made : null;
  const said = made && sampleOf(cell, made, sample);
  const changed = said?.changed;
  const samples = samplesOf(cell, outcome);
  const next = (i: number | undefined) =>
    i === undefined ? null : `${home}/${i}${query}`;
  return page("sample", {
    title: `Sample ${sample}`,
    script: null,
    cell: line(cell.id),
    home: `${home}${query}`,
    own: `${home}/${sample}`,
    sample,
    before: next(samples.filter((i) => i < sample).at(-1)),
    after: next(samples.find((i) => i > sample)),
    why: shown.why && line(shown.why),
    pictured: made !== null && arePictures(made),
    texts: textsOf(said ?? {}),
    columns: columnsOf(said ?? {}),
    facts: [
      ["Outcome", outcomeWords.get(fate)!],
      ["Right is", line(said?.label ?? "")],
      [
        "Changed by",
        changed
          ? `L∞ ${short(changed.linf)}, L2 ${short(changed.l2)}, in ${changed.l0} of its numbers`
          : "",
      ],
      ["Queries until broken", String(cell.queriesToBreak[sample] || "")],
      ["Fingerprint", fingerprintOf(place, sample)],
    ]
      .filter(([, text]) => text !== "")
      .map(([term, text]) => ({ term, text })),
    others: results.cells
      .filter(
        ({ candidate, id }) => candidate === cell.candidate && id !== cell.id,
      )
      .map((other) => ({
        name: line(other.id),
        address: `/runs/${run.id}/cells/${addressOf(other)}/${sample}`,
        word: outcomeWords.get(fateOf(other.outcomes, sample))!,
        trusted: other.trusted,
      })),
  });
}

const fateOf = (outcomes: string, sample: number): Fate =>
  fatesOf(outcomes[sample] ?? "")[0] ?? "absent";

/** Both texts with their edits marked; null where samples are none. */
function textsOf({ clean, attacked }: Partial<Sample>) {
  if (typeof clean !== "string" || typeof attacked !== "string") return null;
  const whole = (text: string): Piece[] =>
    piecesOf({ segments: [{ before: text, after: text }] }, "after");
  if (clean.length * attacked.length > MARKED)
    return { clean: whole(clean), attacked: whole(attacked) };
  const segments = segmentsOf(clean, attacked);
  return {
    clean: piecesOf({ segments }, "before"),
    attacked: piecesOf({ segments }, "after"),
  };
}

/** A row of a table, column by column; null where samples are none. */
function columnsOf({ clean, attacked }: Partial<Sample>) {
  if (typeof clean !== "object" || typeof attacked !== "object") return null;
  return attacked.slice(0, LISTED).map(([name, to], k) => {
    const from = clean[k]![1];
    return {
      name: line(name),
      from: short(from),
      to: short(to),
      change: from === to ? "" : short(to - from),
    };
  });
}

/** What the sample is known by in other runs. */
function fingerprintOf({ results, cell }: Place, sample: number): string {
  const { member } =
    results.candidates.find(({ id }) => id === cell.candidate) ?? {};
  const task = member?.task ?? MAIN;
  const own = results.samples?.find((one) => one.task === task);
  return line(own?.fingerprints.split(" ")[sample] ?? "");
}
