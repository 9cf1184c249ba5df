import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
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

test.skipIf(process.platform !== "linux")(
  "what stops the command stops the process of models, and goes on with it",
  async () => {
    const pids = put(folder, "pids", "");
    const child = spawn(
      process.execPath,
      [
        main,
        "plan",
        breaking(
          `import { appendFileSync } from "node:fs";
           appendFileSync(${JSON.stringify(pids)}, String(process.pid))`,
        ),
      ],
      { stdio: "ignore" },
    );
    try {
      const inner = await until(() => readFileSync(pids, "utf8"));
      child.kill("SIGTSTP");
      await until(() => stateOf(inner) === "T" && stateOf(child.pid) === "T");
      child.kill("SIGCONT");
      await until(() => stateOf(inner) !== "T" && stateOf(child.pid) !== "T");
    } finally {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  },
);

/** The letter by which Linux tells whether a process runs (R, S) or is stopped (T). */
const stateOf = (pid: string | number | undefined) =>
  /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];

async function until<T>(look: () => T): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen) return seen;
    await setTimeout(20);
  }
}
