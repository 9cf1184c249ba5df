import type { Results, TextExample } from "#results";
import { plain } from "../../format.ts";
import { pageIn } from "./described.ts";
import { said, whereOf } from "./gallery.ts";

/**
 * Texts before and after an attack, side by side with each edit marked,
 * grouped by their cell.
 */
export function textsView(results: Results) {
  const { textGallery = [] } = results;
  const cells = [...new Set(textGallery.map((e) => e.cell))];
  return cells.map((cell) => ({
    cell: plain(cell),
    page: pageIn(results, cell),
    examples: textGallery
      .filter((e) => e.cell === cell)
      .map((e) => ({
        label: plain(e.label),
        before: said(e.cleanPrediction, e.cleanConfidence),
        after: said(e.prediction, e.confidence),
        edits: `${e.edits} ${e.edits === 1 ? "edit" : "edits"}`,
        ...whereOf(e, results),
        original: piecesOf(e, "before"),
        perturbed: piecesOf(e, "after"),
      })),
  }));
}

/** A piece of a text as it is shown. */
export interface Piece {
  readonly text: string;
  readonly edited: boolean;
  /** Its code points. */
  readonly points: string;
}

/**
 * One side of an example; of an edited piece also the code points, which
 * lookalikes hide.
 */
export const piecesOf = (
  { segments }: Pick<TextExample, "segments">,
  side: "before" | "after",
): Piece[] =>
  segments.map((segment) => ({
    text:
      segment.before === segment.after
        ? visible(segment[side])
        : visible(segment[side]).replaceAll(" ", "␣"),
    edited: segment.before !== segment.after,
    points: segment[side] === "" ? "nothing" : pointsOf(segment[side]),
  }));

const pointsOf = (text: string) =>
  Array.from(
    text,
    (c) =>
      `U+${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}`,
  ).join(" ");

/** Invisible and control characters by their code points. */
const visible = (text: string): string =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `[${pointsOf(c)}]`);
