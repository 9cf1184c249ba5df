import { line } from "#core";
import {
  arePictures,
  type Columns,
  isRows,
  type Piece,
  piecesOf,
  type Sample,
  sampleOf,
} from "#reports";
import { type Examples, fatesOf } from "#results";
import { segmentsOf } from "#texts";
import { outcomeWords, type Place } from "./place.ts";

/** A sample in the table of a cell. */
export interface SampleRow {
  readonly sample: number;
  readonly outcome: string;
  readonly word: string;
  readonly label: string;
  readonly pictured: boolean;
  /** The text where it was edited. */
  readonly pieces: readonly Piece[];
  /** What was changed, where the sample is a row of numbers. */
  readonly changes: string;
  readonly far: string;
  readonly queries: string;
}

/** Characters of a text that a row shows. */
const SEEN = 160;

/** Characters of it before the first edit. */
const BEFORE = 30;

/** Columns that a row names. */
const NAMED = 3;

export function sampleRow(
  { cell, shown: { made } }: Place,
  sample: number,
): SampleRow {
  const outcome = fatesOf(cell.outcomes[sample] ?? "")[0] ?? "absent";
  return {
    sample,
    outcome,
    word: outcomeWords.get(outcome)!,
    queries: String(cell.queriesToBreak[sample] || ""),
    ...(made && isThere(made, sample)
      ? seenOf(sampleOf(cell, made, sample), made)
      : { label: "", pictured: false, pieces: [], changes: "", far: "" }),
  };
}

/** Whether a sample is among the examples: a results document may say otherwise. */
export const isThere = ({ attacked }: Examples, sample: number): boolean =>
  sample < (isRows(attacked) ? (attacked.dims[0] ?? 0) : attacked.length);

function seenOf(said: Sample, made: Examples) {
  const pictured = arePictures(made);
  return {
    label: line(said.label ?? ""),
    pictured,
    pieces:
      typeof said.attacked === "string" && typeof said.clean === "string"
        ? nearFirstEdit(said.clean, said.attacked)
        : [],
    changes:
      typeof said.attacked === "object" && typeof said.clean === "object"
        ? changesIn(said.clean, said.attacked)
        : "",
    far: said.changed
      ? `L∞ ${short(said.changed.linf)}, L2 ${short(said.changed.l2)}`
      : "",
  };
}

/** The attacked text around its first edit. */
function nearFirstEdit(clean: string, attacked: string): Piece[] {
  let same = 0;
  while (same < clean.length && clean[same] === attacked[same]) same++;
  const from = Math.max(0, Math.min(same, attacked.length) - BEFORE);
  const [one, other] = [clean, attacked].map((text) =>
    text.slice(from, from + SEEN),
  );
  const pieces = piecesOf({ segments: segmentsOf(one!, other!) }, "after");
  const gap = { text: "…", edited: false, points: "" };
  return from > 0 ? [gap, ...pieces] : pieces;
}

/** The columns that changed most, from what to what. */
function changesIn(clean: Columns, attacked: Columns): string {
  const changed = attacked
    .map(([name, to], k) => ({ name, from: clean[k]![1], to }))
    .filter(({ from, to }) => from !== to);
  const most = changed
    .toSorted((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from))
    .slice(0, NAMED)
    .map(({ name, from, to }) => `${line(name)} ${short(from)} → ${short(to)}`);
  const more = changed.length - most.length;
  if (changed.length === 0) return "nothing changed";
  return most.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

export const short = (v: number): string => String(Number(v.toPrecision(4)));
