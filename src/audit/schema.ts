import { z } from "zod";
import { schemaAsWritten } from "#core";
import { resultsSchema } from "./results/index.ts";
import { suiteSchema } from "./suite/index.ts";

/** JSON schemas of the two documents that people and tools exchange, by file name. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    "results-1.schema.json": z.toJSONSchema(resultsSchema),
    "suite-1.schema.json": withExtends(schemaAsWritten(suiteSchema)),
  };
}

/** What a suite has to say, what it extends may say in its place. */
function withExtends({
  required,
  ...schema
}: ReturnType<typeof schemaAsWritten>) {
  return { ...schema, anyOf: [{ required: ["extends"] }, { required }] };
}
