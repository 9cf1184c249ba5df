import { strategies } from "#tuning";
import { strategyLaws } from "../../src/conformance/index.ts";
import { lawful } from "./laws.ts";

/**
 * Strategies that ship something else than what they trained, in the case in
 * which they do not.
 */
const asTrained: Readonly<Record<string, Record<string, unknown>>> = {
  "wise-ft": { alpha: 1 },
};

lawful("strategy", strategies, (unit) =>
  strategyLaws(unit, { params: asTrained[unit.id] }),
);
