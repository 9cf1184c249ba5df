import type { Cell, Results } from "#results";
import { anchor, plain, whole } from "../../format.ts";

/** "linf", "[5, 0.1]", or "(norm linf, eps 0.2)". */
const settingText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(settingText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const parts = Object.entries(value).map(
    ([name, one]) => `${name} ${settingText(one)}`,
  );
  return `(${parts.join(", ")})`;
};

/** A unit with its parameters, in one line. */
export const described = (
  unit: { title: string; params: Record<string, unknown> } | null,
): string =>
  unit
    ? plain(
        [
          unit.title,
          ...Object.entries(unit.params).map(
            ([name, value]) => `${name} ${settingText(value)}`,
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
