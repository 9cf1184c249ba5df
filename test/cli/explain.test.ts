import { expect, test } from "vitest";
import { catalog } from "#audit";
import { errorPlaces } from "#core";
import { codeExplanation, explanation } from "../../src/cli/explanation.ts";
import { temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();

test("assay explain says what a check means and what to do", async () => {
  const { code, out } = await assay(folder, "explain", "gradient-agrees");
  expect(code).toBe(0);
  expect(out).toMatch(/^gradient-agrees: .* \(trust check\)\n/);
  expect(out).toContain("A failure says that ");
  expect(out).toContain("What to do: ");
});

test("a name that nothing has is refused, with the nearest that there is", async () => {
  const { code, err } = await assay(folder, "explain", "gradient-agree");
  expect(code).toBe(2);
  expect(err).toContain("Did you mean gradient-agrees?");
});

test("everything that can be listed can be explained, in lines that fit", () => {
  for (const [kind, entries] of Object.entries(catalog))
    for (const entry of entries()) {
      const text = explanation({ ...entry, kind });
      expect(text).toContain(`${entry.id}: ${entry.title}`);
      const prose = text.split("\n\n").slice(1, -2).join("\n");
      for (const line of prose.split("\n"))
        expect(line.length).toBeLessThanOrEqual(80);
    }
});

test("every error code can be explained", () => {
  const places = errorPlaces();
  expect(new Set(places.map(({ code }) => code)).size).toBeGreaterThan(100);
  const shards = places.filter(({ code }) => code === "SHARDS");
  const text = codeExplanation("SHARDS", shards);
  expect(text).toMatch(
    /^SHARDS: what was asked for is wrong, exit status 2\n\n/,
  );
  expect(text).toContain(
    "What to do: Name the folders of all shards of one run",
  );
});

test("an unknown code is refused, with the nearest", async () => {
  const { code, err } = await assay(folder, "explain", "SHARD");
  expect(code).toBe(2);
  expect(err).toContain("Did you mean SHARDS?");
});
