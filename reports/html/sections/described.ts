import type { Cell, Results } from "#results";
import { anchor, plain, whole } from "../../format.ts";

/** A unit with its parameters, in one line. */
export const described = (
  unit: { title: string; params: Record<string, unknown> } | null,
): string =>
  unit
    ? plain(
        [
          unit.title,
          ...Object.entries(unit.params).map(
            ([k, v]) => `${k} ${typeof v === "string" ? v : JSON.stringify(v)}`,
          ),
        ].join(", "),
      )
    : "-";

/** What was asked of the models of a cell, in words. */
export const queriesOf = ({
  forward,
  gradient,
  base,
}: Cell["queries"]): string =>
  [
    forward && `${whole(forward)} forward`,
    gradient && `${whole(gradient)} gradient`,
    base && `${whole(base)} on the base`,
  ]
    .filter(Boolean)
    .join(", ") || "none";

/** The id of the page of a cell. */
export const pageOf = (cell: string): string => anchor("cell", cell);

/** The same; null where nothing of that name is a cell of the run. */
export const pageIn = ({ cells }: Results, cell: string): string | null =>
  cells.some((c) => c.id === cell) ? pageOf(cell) : null;
