import { reporters } from "#reports";
import { reporterLaws } from "../../src/conformance/index.ts";
import { kept } from "../reports/nothing.ts";
import { exampleResults } from "../reports/results.ts";
import { lawful } from "./laws.ts";

lawful("reporter", reporters, (unit) =>
  reporterLaws(unit, [exampleResults()], kept),
);
