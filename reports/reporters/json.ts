import { jsonText } from "#core";
import type { Reporter } from "#results";

/** The results document itself, for programs. */
export const json: Reporter = {
  id: "json",
  title: "Results",
  summary:
    "The results document itself, for programs; every other form is made of it.",
  reference: "schema/results-1.schema.json",
  file: "results.json",
  render: jsonText,
};
