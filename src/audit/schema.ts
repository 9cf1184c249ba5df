import { z } from "zod";
import { resultsSchema } from "./results/index.ts";
import { suiteSchema } from "./suite/index.ts";

/** JSON schemas of the two documents that people and tools exchange, by file name. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    "results-1.schema.json": z.toJSONSchema(resultsSchema),
    // What a person writes: before defaults, and with the short forms.
    "suite-1.schema.json": z.toJSONSchema(suiteSchema, {
      io: "input",
      unrepresentable: "any",
    }),
  };
}
