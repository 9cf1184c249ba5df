import type { Reporter } from "#results";
import { wellFormed } from "../format.ts";
import { type Table, tablesOf, type Value } from "../tables.ts";

/** Tables for spreadsheets and what reads commas. */
export const csv: Reporter = {
  id: "csv",
  title: "CSV",
  summary:
    "Tables of the gate, worst cases, cells, trials, samples and what is missing, a file for each, with intervals and whether a number is trusted. Text that a spreadsheet would compute begins with an apostrophe.",
  reference: "RFC 4180",
  file: "csv",
  async *render(results) {
    for (const table of tablesOf(results))
      yield { name: `${table.name}.csv`, content: rendered(table) };
  },
};

const rendered = ({ columns, rows }: Table): string =>
  [
    columns.map(({ name }) => name),
    ...rows.map((row) => columns.map(({ of }) => field(of(row as never)))),
  ]
    .map((fields) => `${fields.join(",")}\r\n`)
    .join("");

/** With what a spreadsheet takes text for a formula, full-width forms included. */
const computes = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function field(value: Value): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const text = wellFormed(value).replaceAll("\0", "\ufffd");
  const safe = computes.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe)
    ? `"${safe.replaceAll('"', '""')}"`
    : safe;
}
