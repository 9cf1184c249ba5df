import { type Source, sourceId, sources } from "#data";
import { dataSourceLaws } from "../../src/conformance/index.ts";
import { lawful } from "./laws.ts";

/** Those that need no files; the others have tests of their own. */
const builtIn = ["digits", "loans"].map((id) => {
  const all: readonly Source[] = sources;
  return { id, unit: all.find((one) => sourceId(one) === id)! };
});

lawful("data source", builtIn, ({ id, unit }) =>
  dataSourceLaws(unit, { source: id }),
);
