import type { Results } from "#results";
import { coverageOf, coveredText } from "../../coverage.ts";
import { plain } from "../../format.ts";

/** What was measured of what lists of threats name, and what was not. */
export const coverageView = (results: Results) =>
  coverageOf(results).map(({ list, rows }) => ({
    list,
    rows: rows.map((row) => ({
      id: plain(row.id),
      name: row.name,
      measured: plain(coveredText(row)),
    })),
  }));
