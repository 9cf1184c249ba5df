import type { Results } from "#results";
import { measureText, plain } from "../../format.ts";
import { pageOf } from "./described.ts";

/** How far outputs are from what they should be, clean and under each attack. */
export function measuresView({ cells }: Results) {
  return cells.flatMap(({ id, measures = [] }) =>
    measures.map((measure, i) => ({
      cell: i === 0 ? plain(id) : "",
      page: pageOf(id),
      rows: measures.length,
      name: plain(measure.name),
      clean: measureText(measure.clean, measure.cleanInterval),
      attacked: measureText(measure.value, measure.interval),
    })),
  );
}
