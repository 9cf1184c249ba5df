import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { put, temporaryFolder } from "../folder.ts";
import { assay, main } from "./assay.ts";

const folder = temporaryFolder();

/** A suite in whose process something breaks as native code does. */
const breaking = (how: string) =>
  put(folder, "breaks.mjs", `${how}; setInterval(() => {}, 1000);`);

test("what aborts the process of models is one clear line", async () => {
  const { code, out, err } = await assay(
    folder,
    "plan",
    breaking("process.abort()"),
  );
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toMatch(
    /error: the process that reads and runs models was ended by SIGABRT\n {2}A model broke/,
  );
});

test("what kills it is said too", async () => {
  const { code, err } = await assay(
    folder,
    "plan",
    breaking('process.kill(process.pid, "SIGKILL")'),
  );
  expect(code).toBe(1);
  expect(err).toMatch(/ended by SIGKILL\n {2}Another process ended it/);
});

test("status, input and output are those of the command", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  expect(run("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run("--nonsense").status).toBe(2);
  expect(run("inspect", "nowhere.onnx").status).toBe(1);
});
