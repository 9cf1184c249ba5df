import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { packagePath } from "#core";

/** What SchemaStore's schema-catalog.json asks of an entry. */
const entry = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  fileMatch: z.array(z.string().min(1)).min(1),
  url: z.url({ protocol: /^https$/ }),
});

test("the entry for SchemaStore is whole, and names a schema that there is", () => {
  const path = packagePath("ci", "schemastore", "catalog-entry.json");
  const { fileMatch, url } = entry.parse(
    JSON.parse(readFileSync(path, "utf8")),
  );
  expect(fileMatch).toContain("assay.yaml");
  expect(new Set(fileMatch).size).toBe(fileMatch.length);
  // As npm publishes the package, so that no host of a repository is in it.
  const { name, files } = JSON.parse(
    readFileSync(packagePath("package.json"), "utf8"),
  ) as { name: string; files: string[] };
  expect(files).toContain("schema");
  expect(url).toBe(`https://unpkg.com/${name}/schema/suite-1.schema.json`);
  expect(existsSync(packagePath("schema", "suite-1.schema.json"))).toBe(true);
});
