import { decimal, percent } from "#core";
import type { MissingResult } from "../results/index.ts";
import type { Bound } from "../statistics/index.ts";
import type { GateConfig } from "../suite/index.ts";
import { number } from "../words.ts";
import type { GateInput } from "./input.ts";

/** What a number of a gate counts in: "" for a plain number. */
export type Unit = "%" | "points" | "";

/** A rule as it stands in a row: "robustAccuracy: min 0.4, candidate full". */
export function ruleText(rule: GateConfig[number]): string {
  const parts = (limits: object): string =>
    Object.entries(limits)
      .map(([key, value]) =>
        typeof value === "object"
          ? `${key} ${parts(value)}`
          : `${key} ${value}`,
      )
      .join(", ");
  return Object.entries(rule)
    .map(([metric, limits]) => `${metric}: ${parts(limits)}`)
    .join("; ");
}

export function limitText({ side, value }: Bound, unit: Unit): string {
  // Rounded only as far as binary fractions need: a limit is shown as it was written.
  const limit = Number(((unit === "" ? 1 : 100) * value).toPrecision(6));
  return `at ${side === "min" ? "least" : "most"} ${limit}${unit && ` ${unit}`}`;
}

export function quantity(value: number, unit: Unit): string {
  if (unit === "") return number(value);
  return unit === "%" ? percent(value) : `${decimal(100 * value)} points`;
}

/** What is missing, and why. */
export function missingText(
  missing: readonly MissingResult[],
  { failures = [] }: Pick<GateInput, "failures">,
): string {
  const [first] = missing;
  const { because, what, id } = first!;
  const others = missing.length - 1;
  const why = failures.find(({ work }) => work === because)?.message;
  return [
    `${what} ${id}`,
    others > 0 ? ` and ${others} more have` : " has",
    " no result",
    because ? `, since ${because} failed` : "",
    why ? ` (${why})` : "",
  ].join("");
}
