import { z } from "zod";
import { resultsSchema } from "./results/index.ts";
import { suiteSchema } from "./suite/index.ts";

/** JSON schemas of the two documents that people and tools exchange, by file name. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    "results-1.schema.json": z.toJSONSchema(resultsSchema),
    "suite-1.schema.json": z.toJSONSchema(suiteSchema, written),
  };
}

/**
 * What a person writes: before defaults, with the short forms, and with maps for
 * names from outside.
 */
const written: z.core.ToJSONSchemaParams = {
  io: "input",
  unrepresentable: "any",
  override({ zodSchema, jsonSchema }) {
    if (!(zodSchema instanceof z.core.$ZodMap)) return;
    const { keyType, valueType } = zodSchema._zod.def;
    jsonSchema.type = "object";
    jsonSchema.propertyNames = partOf(keyType);
    jsonSchema.additionalProperties = partOf(valueType);
  },
};

function partOf(schema: z.core.$ZodType) {
  const { $schema: _, ...part } = z.toJSONSchema(schema, written);
  return part;
}
