import fc from "fast-check";
import type { Results } from "#results";
import { exampleResults } from "./results.ts";

/** Names that tried to be more than names, and any others. */
export const names = fc.oneof(
  fc.constantFrom(
    "=1+2",
    "@everyone",
    "+1|2",
    "-2\n-3",
    "\t=A1",
    "a\r\n::error::b",
    "100%0A",
    ']]><x a="1">&amp;',
    "a|b\\|c",
    '"quoted", and, commas',
    "key: {a: [1, 2]} # no",
    "---\n",
    "null",
    "\ud800 half",
    "\u0000\u001b[31m",
    "\u202eturned\u2028",
    "<!-- --> --><script>",
    "../../etc",
    "__proto__",
    "é\u0301 日本語 😀",
  ),
  fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
);

const { cells, ...rest } = exampleResults();
const some = cells.filter((c) => c.threatModel.id === "linf-0.1");
const text = JSON.stringify({ ...rest, cells: some } satisfies Results);

/** Results of a candidate of this name, which stands wherever it is spoken of. */
export const resultsNamed = (name: string): Results =>
  JSON.parse(
    text.replaceAll("full", () => JSON.stringify(name).slice(1, -1)),
  ) as Results;
