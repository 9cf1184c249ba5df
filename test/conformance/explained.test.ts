import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalog } from "#audit";
import { packagePath } from "#core";
import { trialChecks } from "../../src/audit/trials/index.ts";

/** Sentences that begin with a capital letter, a digit or code, and end with a stop. */
const prose = /^["`A-Z0-9].{20,400}\.$/s;

/** What people read of a check, and of a preset: its limits are part of its summary. */
const others: Record<string, string[]> = {
  checks: ["summary", "meaning", "advice"],
  presets: ["summary"],
};

/** What people read of a unit. */
const needed = (kind: string) => others[kind] ?? ["summary", "caution"];

/** Suites have titles, and sources of data a document of their own (docs/data.md). */
const kinds = Object.keys(catalog).filter(
  (kind) => !["suites", "sources"].includes(kind),
);

describe.each(kinds)("%s", (kind) => {
  const entries = catalog[kind]?.() ?? [];

  test.each(entries)("$id says what people need to know of it", (entry) => {
    for (const field of needed(kind)) expect(entry[field]).toMatch(prose);
  });

  test.each(entries)("$id says what each parameter is", ({ params }) => {
    const nameless = Object.entries((params ?? {}) as Record<string, object>)
      .filter(([, schema]) => !("description" in schema))
      .map(([name]) => name);
    expect(nameless).toEqual([]);
  });
});

test("no two units say the same", () => {
  const summaries = kinds.flatMap((kind) =>
    (catalog[kind]?.() ?? []).map(({ summary }) => summary),
  );
  expect(new Set(summaries).size).toBe(summaries.length);
});

test("the checks that trials make are among those that are explained", () => {
  const folder = packagePath("src/audit/trials");
  const made = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && name !== "checks.ts")
    .flatMap((name) =>
      Array.from(
        readFileSync(join(folder, name), "utf8").matchAll(
          /"(backdoor-[a-z-]+)"|id: "([a-z-]+)",\s+title: "[^"]+",\s+status:/g,
        ),
        ([, one, other]) => one ?? other!,
      ),
    );
  expect(new Set(made)).toEqual(new Set(trialChecks.map(({ id }) => id)));
});
