import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, onTestFailed, test, vi } from "vitest";
import type { Results } from "#results";
import { startBucket } from "../bucket.ts";
import { put, temporaryFolder } from "../folder.ts";
import { noRedis, PASSWORD, startRedis } from "../redis.ts";
import { assay, main } from "./assay.ts";

const folder = temporaryFolder();

// Here, since a hook cannot say what is to be ended behind all tests.
const redis = noRedis ? (undefined as never) : await startRedis(folder);
const bucket = await startBucket();

/** How often the run with all that befalls it is made. */
const ROUNDS = process.env.ASSAY_LONG ? 25 : 1;

const suite = (candidates: string) => `
version: 1
title: tiny
seed: 3
data: { source: digits }
classes: ["5", "6", "7"]
samples: 30
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 2 }
candidates: { ${candidates} }
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
  pgd: { id: pgd, steps: 5, relStepSize: 0.4 }
`;

/** Commands that were started and have not ended. */
const running = new Set<Command>();

afterEach(async () => {
  await Promise.all(Array.from(running, (one) => one.end("SIGKILL")));
  await redis?.clear();
});

interface Command {
  /** What it says as it goes on. */
  said(): string;
  /** Its status, where it has ended; null where a signal ended it. */
  code(): number | null | undefined;
  /** Its status, once it has ended. */
  readonly ended: Promise<number | null>;
  /** Ends it, where it has not ended, and gives its status. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command in a folder. */
function start(where: string, ...args: string[]): Command {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: where,
    env: { ...process.env, ASSAY_QUEUE_PASSWORD: PASSWORD },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  let status: number | null | undefined;
  child.stderr.on("data", (text) => {
    said += text;
  });
  const ended = once(child, "close").then(([code]) => {
    running.delete(command);
    status = code;
    return code;
  });
  const command: Command = {
    said: () => said,
    code: () => status,
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
  running.add(command);
  onTestFailed(() => {
    console.error(`assay ${args.join(" ")} (${status}):\n${said}`);
  });
  return command;
}

/** A worker in a folder. */
const work = (where: string) =>
  start(where, "worker", "--queue", redis.bare, "--concurrency", "1");

/** The results of a run, as text, with everything but the times. */
function found(out: string): string {
  const results: Results = JSON.parse(
    readFileSync(join(folder, out, "results.json"), "utf8"),
  );
  return JSON.stringify(
    {
      ...results,
      timing: null,
      cells: results.cells.map((c) => ({ ...c, seconds: null })),
    },
    null,
    2,
  );
}

/** Waits until a run has made so many records; it has failed where it ends before. */
async function until(out: string, records: number, run: Command) {
  const made = () =>
    existsSync(join(folder, out))
      ? readdirSync(join(folder, out), { recursive: true, encoding: "utf8" })
      : [];
  const areThere = () =>
    made().filter((file) => file.endsWith(".json")).length >= records;
  while (!areThere()) {
    if (run.code() !== undefined && !areThere())
      throw new Error(
        `the run ended with ${run.code()} before ${records} records were there:\n${run.said()}`,
      );
    await wait(20);
  }
}

test.skipIf(noRedis)(
  "workers and a run that are killed and a Redis that is restarted change no byte of the results",
  async () => {
    put(
      folder,
      "suite.yaml",
      suite(
        "head: { strategy: head-only, epochs: 2 }, full: { strategy: full, epochs: 2 }",
      ),
    );
    await assay(folder, "run", "suite.yaml", "--out", "alone");
    const crew = [work(folder), work(folder), work(folder)];
    const replaceOne = async () => {
      crew.push(work(folder));
      await crew.shift()!.end("SIGKILL");
    };
    for (let round = 0; round < ROUNDS; round++) {
      const out = `together-${round}`;
      const args = ["run", "suite.yaml", "--out", out, "--queue", redis.url];
      const first = start(folder, ...args);
      await until(out, 3, first);
      await replaceOne();
      await until(out, 6, first);
      await first.end("SIGKILL");
      const run = start(folder, ...args);
      await until(out, 9, run);
      await Promise.all([redis.restart(), replaceOne()]);
      await until(out, 13, run);
      await replaceOne();
      expect(await run.ended).toBe(0);
      expect(run.said()).not.toContain("warning");
      expect(run.said()).not.toContain(PASSWORD);
      expect(found(out)).toBe(found("alone"));
    }
    for (const worker of crew) expect(await worker.end("SIGINT")).toBe(130);
  },
);

test.skipIf(noRedis)(
  "machines that share nothing but a bucket find what one finds, and the folder of none is needed",
  async () => {
    for (const [name, value] of Object.entries(bucket.env))
      vi.stubEnv(name, value);
    const text = suite("head: { strategy: head-only, epochs: 2 }");
    const [first, second, third] = ["m1", "m2", "m3"].map((name) => {
      put(folder, `${name}/s.yaml`, text);
      return join(folder, name);
    });
    await assay(first!, "run", "s.yaml", "--out", "alone");
    const worker = work(second!);
    const stored = ["--queue", redis.url, "--store", "s3://bucket/audits"];
    const run = (where: string) => assay(where, "run", "s.yaml", ...stored);
    expect(await run(first!)).toMatchObject({ code: 0 });
    expect(await worker.end("SIGINT")).toBe(130);
    // All is in the bucket: nobody has to do anything any more.
    expect(await run(third!)).toMatchObject({ code: 0 });
    for (const name of ["m1/runs/s", "m3/runs/s"])
      expect(found(name)).toBe(found("m1/alone"));
    expect(bucket.asked[0]).toMatch(/^GET \/bucket\/audits\//);
  },
);

test.skipIf(noRedis)(
  "a worker that does not have the suite ends the run with a line that says so",
  async () => {
    put(folder, "here.yaml", suite("head: { strategy: head-only, epochs: 2 }"));
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    const worker = work(elsewhere);
    const run = () => assay(folder, "run", "here.yaml", "--queue", redis.url);
    const { code, err } = await run();
    expect(code).toBe(1);
    expect(err).toMatch(
      /error: .*here.yaml is not there \(worker on .*\)\n {2}Start/,
    );
    put(elsewhere, "here.yaml", suite("full: { strategy: full, epochs: 2 }"));
    expect((await run()).err).toContain(
      "here.yaml is not the suite of the run",
    );
    await worker.end("SIGKILL");
  },
);

test("an address that is none of Redis is refused, and one that lets nobody in", async () => {
  const at = (url: string) => assay(folder, "worker", "--queue", url);
  expect(await at("http://host")).toMatchObject({ code: 2 });
  if (noRedis) return;
  const nobody = await at(redis.url.replace(/:[^:]*@/, ":hidden@"));
  expect(nobody.code).toBe(1);
  expect(nobody.err).toMatch(/redis:\/\/127.0.0.1:\d+ cannot be used \(WRONG/);
  expect(nobody.err).not.toContain("hidden");
});
