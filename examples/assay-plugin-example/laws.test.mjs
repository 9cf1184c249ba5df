// The laws that Assay's own units keep, for those of this package.
import { lawsOf } from "assay/conformance";
import { describe, test } from "vitest";
import { units } from "./index.mjs";

// A reporter has laws too, of results that one gives: reporterLaws(unit, [results]).
const withLaws = units.filter((unit) => lawsOf(unit).length > 0);

describe.each(withLaws)("$id", (unit) => {
  for (const { title, check } of lawsOf(unit)) test(title, check);
});
