import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

test("a run that may use nothing refuses a suite before any of its code runs", async () => {
  put(folder, "mine.mjs", "globalThis.ran = true; export const units = [];");
  const suite = put(
    folder,
    "suite.yaml",
    "{ version: 1, title: t, use: [./mine.mjs], data: { source: digits }, candidates: {} }",
  );
  const run = runAudit({ suite, out: `${folder}/out`, use: false });
  await expect(run).rejects.toMatchObject({ code: "SUITE_CODE" });
  expect(globalThis).not.toHaveProperty("ran");
});
