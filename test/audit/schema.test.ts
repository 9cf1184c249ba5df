import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { packagePath } from "#core";
import { jsonSchemas } from "../../src/audit/schema.ts";

test.each(Object.entries(jsonSchemas()))(
  "%s is up to date (UPDATE_SCHEMA=1 rewrites it)",
  (name, schema) => {
    const path = packagePath("schema", name);
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    if (process.env.UPDATE_SCHEMA) writeFileSync(path, text);
    expect(readFileSync(path, "utf8")).toBe(text);
  },
);
