import type { Context, Hono } from "hono";
import { encodeNpy } from "#core";
import { isRows, jsonLine, type Side, sampleOf, samplePicture } from "#reports";
import { cellPage, PAGE, rowsPart } from "./cell-page.ts";
import type { ExamplesAtHand } from "./examples.ts";
import type { Library } from "./library.ts";
import { outcomeOf, type Place } from "./place.ts";
import { addressOf } from "./run-page.ts";
import { samplePage } from "./sample-page.ts";
import { isThere } from "./sample-row.ts";

const CELL = "/runs/:run/cells/:cell";

/** Rows that one answer has. */
const MOST = 200;

const sides: readonly Side[] = ["clean", "attacked", "difference"];

/** What is answered of a cell and its samples. */
export function cellRoutes(
  app: Hono,
  library: Library,
  examples: ExamplesAtHand,
): void {
  const at =
    (answer: (c: Context, place: Place) => Response | Promise<Response>) =>
    async (c: Context) => {
      const run = library.find(c.req.param("run") ?? "");
      const results = run && library.results(run);
      const cell = results?.cells.find(
        (one) => addressOf(one) === c.req.param("cell"),
      );
      if (!run || !results || !cell) return c.notFound();
      const shown = await examples.of(run, results, cell);
      return answer(c, { run, results, cell, shown });
    };
  const sampleAt = (
    answer: (
      c: Context,
      place: Place,
      sample: number,
    ) => Response | Promise<Response>,
  ) =>
    at((c, place) => {
      const sample = numberIn(c.req.param("sample"));
      return sample !== null && sample < place.cell.outcomes.length
        ? answer(c, place, sample)
        : c.notFound();
    });
  app.get(
    CELL,
    at((c, place) => c.html(cellPage(place, wishOf(c)))),
  );
  app.get(
    `${CELL}/rows`,
    at((c, place) => {
      const { outcome, from } = wishOf(c);
      const count = Math.min(MOST, numberIn(c.req.query("count")) ?? PAGE);
      return c.html(rowsPart(place, outcome, from, count));
    }),
  );
  app.get(`${CELL}/attacked.npy`, at(arrayOf("attacked")));
  app.get(`${CELL}/clean.npy`, at(arrayOf("clean")));
  app.get(`${CELL}/samples.jsonl`, at(linesOf));
  app.get(
    `${CELL}/:sample`,
    sampleAt((c, place, sample) =>
      c.html(samplePage(place, sample, wishOf(c).outcome)),
    ),
  );
  for (const side of sides)
    app.get(
      `${CELL}/:sample/${side}.png`,
      sampleAt(async (c, { shown: { made } }, sample) => {
        const png =
          made && isThere(made, sample)
            ? await samplePicture(made, sample, side)
            : undefined;
        if (!png) return c.notFound();
        return c.body(Uint8Array.from(png), 200, {
          "Content-Type": "image/png",
        });
      }),
    );
}

const wishOf = (c: Context) => ({
  outcome: outcomeOf(c.req.query("outcome")),
  from: numberIn(c.req.query("from")) ?? 0,
  sample: numberIn(c.req.query("sample")),
});

/** A whole number of an address; null where it is none. */
const numberIn = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;

/** All samples of a cell as an array of NumPy. */
const arrayOf =
  (side: "clean" | "attacked") =>
  (c: Context, { cell, shown: { made } }: Place) => {
    const rows = made?.[side];
    if (!rows || !isRows(rows)) return c.notFound();
    return download(c, encodeNpy(rows), `${addressOf(cell)}-${side}.npy`);
  };

/** What there is to say of each sample, a line each. */
function linesOf(c: Context, { cell, shown: { made } }: Place) {
  if (!made) return c.notFound();
  const lines = Array.from(cell.outcomes, (_, i) =>
    isThere(made, i) ? jsonLine(sampleOf(cell, made, i)) : "",
  );
  return download(
    c,
    new TextEncoder().encode(lines.join("")),
    `${addressOf(cell)}.jsonl`,
  );
}

function download(c: Context, content: Uint8Array, name: string) {
  c.header("Content-Disposition", `attachment; filename="${name}"`);
  // All are of memory that no thread shares.
  return c.body(content as Uint8Array<ArrayBuffer>, 200, {
    "Content-Type": "application/octet-stream",
  });
}
