import { z } from "zod";
import { Random } from "#core";
import { ofRows } from "../sheet.ts";
import { defineSource } from "../source.ts";
import type { TableSpec } from "../table-spec.ts";
import { samplesOf } from "../table-values.ts";

const ROWS = 2000;
const purposes = ["car", "house", "debts", "other"];

/**
 * A made-up table: 2,000 loans by a seeded generator, with the kinds of columns and
 * constraints of LCLD in TabularBench (Simonetto et al. 2024, arXiv:2408.07579). Nobody
 * ever took these loans. It is there to try things out.
 */
export const loans = defineSource({
  schema: z
    .strictObject({ source: z.literal("loans") })
    .describe("A made-up table of loans with constraints; needs no files."),

  async read() {
    const random = new Random("loans");
    const rows = Array.from({ length: ROWS }, () => loan(random));
    const sheet = {
      name: "loans",
      file: "loans",
      columns: [...columns.keys(), "paid"],
      ...ofRows(rows),
      place: (row: number) => `loans, row ${row + 1}`,
    };
    return samplesOf(
      { ...sheet, parts: () => [sheet] },
      {
        label: "paid",
        classes: ["no", "yes"],
        columns,
        constraints,
      },
    );
  },
});

/**
 * What an applicant can change: not age and income, and the record of old
 * loans only grows.
 */
const columns: NonNullable<TableSpec["columns"]> = new Map([
  ["age", { type: "integer", range: [18, 90], change: "none" }],
  ["income", { type: "number", range: [8000, 160_000], change: "none" }],
  ["amount", { type: "number", range: [500, 40_000], change: "any" }],
  ["months", { type: "integer", range: [36, 60], change: "any" }],
  ["rate", { type: "number", range: [4, 30], change: "any" }],
  ["instalment", { type: "number", range: [0, 2200], change: "any" }],
  ["burden", { type: "number", range: [0, 3], change: "any" }],
  ["accounts", { type: "integer", range: [0, 60], change: "up" }],
  ["open", { type: "integer", range: [0, 60], change: "any" }],
  ["purpose", { type: "category", values: purposes, change: "any" }],
]);

const constraints = [
  "months = 36 or months = 60",
  "instalment = amount * (1 / months + rate / 1200)",
  "burden = div(12 * instalment, income, 0)",
  "open <= accounts",
  "burden <= 0.6 or `purpose:debts` = 1",
];

/**
 * One loan, and whether it was paid back: less often where its burden, its rate or the
 * share of open accounts is high.
 */
function loan(random: Random): (string | number)[] {
  const between = (low: number, high: number) =>
    low + (high - low) * random.uniform();
  const age = 18 + random.below(60);
  const income = 8000 + 40_000 * (between(0, 1) + between(0, 1) ** 3 * 2);
  const months = random.uniform() < 0.7 ? 36 : 60;
  const rate = between(4, 30);
  const amount = Math.min(40_000, Math.max(500, income * between(0.02, 1.2)));
  const instalment = amount * (1 / months + rate / 1200);
  const burden = (12 * instalment) / income;
  const accounts = random.below(40);
  const open = random.below(accounts + 1);
  const purpose = burden > 0.6 ? "debts" : purposes[random.below(4)]!;
  const risk =
    5 * burden +
    0.08 * rate +
    1.5 * (accounts > 0 ? open / accounts : 0) +
    (purpose === "car" ? -0.4 : 0) -
    0.01 * age +
    0.25 * random.normal();
  return [
    age,
    income,
    amount,
    months,
    rate,
    instalment,
    burden,
    accounts,
    open,
    purpose,
    risk > 3.4 ? "no" : "yes",
  ];
}
