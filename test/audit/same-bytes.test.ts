import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Results } from "#audit";
import { Random } from "#core";
import { assay, main } from "../cli/assay.ts";
import { put, temporaryFolder } from "../folder.ts";
import { moment } from "./works/fake.ts";

const folder = temporaryFolder();
const KILLS = process.env.ASSAY_LONG ? 100 : 3;

put(
  folder,
  "suite.yaml",
  `
version: 1
title: many hands
data: { source: digits }
classes: ["5", "6", "7"]
samples: 9
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 1 }
tasks:
  odd: { relabel: { classes: { odd: ["5", "7"], even: ["6"] } } }
candidates:
  head: { strategy: head-only, epochs: 1 }
  both: { strategy: head-only, epochs: 2, tasks: [main, odd] }
defenses:
  pca: [{ id: pca, components: 20 }]
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  pgd: { id: pgd, steps: 3, relStepSize: 0.4 }
  transfer: { id: base-mi-fgsm }
allHeads: [pgd]
trajectory: { attack: pgd, threatModel: small, samples: 3 }
certify: { sigma: 0.25, n0: 10, n: 20, alpha: 0.1, samples: 10, candidates: [head] }
trials:
  flips: { attack: { id: label-flip, budgets: [4, 8] }, candidates: [head] }
  members: { attack: { id: lira, shadows: 4 }, candidates: [head] }
repairs:
  pruned: [{ id: fine-pruning, epochs: 1 }]
gate:
  - robustAccuracy: { min: 0.01 }
`,
);

/** The document of a run, but for how long things took. */
function resultsIn(out: string): string {
  const { timing, ...results }: Results = JSON.parse(
    readFileSync(join(folder, out, "results.json"), "utf8"),
  );
  return JSON.stringify(results, (key, value) =>
    key === "seconds" ? undefined : value,
  );
}

/** A run by one hand, unless the options say otherwise. */
const run = (out: string, ...options: string[]) =>
  assay(
    folder,
    ...["run", "suite.yaml", "--quiet", "--out", out],
    ...["--workers", "1", ...options],
  );

let alone: string;

beforeAll(async () => {
  const { err } = await run("alone");
  expect(err).toBe("");
  alone = resultsIn("alone");
});

test.each(["2", "4"])("%s workers say what one says", async (workers) => {
  await run(`by-${workers}`, "--workers", workers);
  expect(resultsIn(`by-${workers}`)).toBe(alone);
});

test("three shards that are merged say what one run says", async () => {
  const shards = ["1", "2", "3"];
  for (const i of shards) {
    const { code } = await run(`shard-${i}`, "--shard", `${i}/3`);
    expect(code).toBe(0);
    const folders = shards.slice(0, Number(i)).map((k) => `shard-${k}`);
    const early = assay(
      folder,
      ...["merge", ...folders, "--out", "merged", "--workers", "1"],
    );
    if (i !== "3") {
      const { code, err } = await early;
      expect(code).toBe(2);
      expect(err).toContain("of 3 shards");
    } else await early;
  }
  expect(resultsIn("merged")).toBe(alone);
});

test("two commands on one folder help each other", async () => {
  await Promise.all([run("shared"), run("shared")]);
  expect(resultsIn("shared")).toBe(alone);
  const left = readdirSync(join(folder, "shared"), { recursive: true });
  expect(left.filter((name) => /claims|\.\d{5,}$/.test(String(name)))).toEqual(
    [],
  );
});

test.skipIf(process.platform !== "linux")(
  "workers that are killed while they work cost nothing but time",
  async () => {
    const random = new Random(Number(process.env.ASSAY_SEED ?? 1));
    const args = ["run", "suite.yaml", "--quiet", "--workers", "2"];
    let kills = 0;
    // A run that has ended begins anew in another folder, until enough were killed.
    for (let k = 0; kills < KILLS; k++) {
      const out = `killed-${k}`;
      const child = spawn(process.execPath, [main, ...args, "--out", out], {
        cwd: folder,
        stdio: "ignore",
      });
      let isOver = false;
      child.on("exit", () => {
        isOver = true;
      });
      while (!isOver) {
        await moment(300 + random.below(1200));
        const own = workersIn(folder);
        const pid = own[random.below(Math.max(1, own.length))];
        if (pid !== undefined && kill(pid)) kills++;
      }
      // What was killed twice has failed, and the same command makes it good.
      await run(out);
      expect(resultsIn(out)).toBe(alone);
    }
  },
);

/** Processes of workers that run in a folder. */
const workersIn = (cwd: string): number[] =>
  readdirSync("/proc").flatMap((name) => {
    try {
      const isWorker =
        /^\d+$/.test(name) &&
        readFileSync(`/proc/${name}/cmdline`, "utf8").includes("child-main") &&
        readlinkSync(`/proc/${name}/cwd`) === cwd;
      return isWorker ? [Number(name)] : [];
    } catch {
      // It has ended.
      return [];
    }
  });

function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
