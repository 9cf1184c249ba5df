import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packagePath } from "#core";
import { openStore } from "../../../src/audit/store.ts";
import {
  openClaims,
  ownHands,
  perform,
} from "../../../src/audit/works/index.ts";
import { put, temporaryFolder } from "../../folder.ts";
import { fakeWork, moment } from "./fake.ts";

const root = temporaryFolder();
let folders = 0;
function freshFolder(): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  return folder;
}

/** As if it had been written so long ago. */
function age(path: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
}

/** Somebody elsewhere, who holds the claims that are there. */
function foreigner(folder: string, seconds: number): void {
  const [claim] = readdirSync(join(folder, "claims")).filter((file) =>
    file.endsWith(".claim"),
  );
  writeFileSync(join(folder, "claims", claim!), "somebody");
  const sign = put(
    folder,
    "claims/somebody.here",
    JSON.stringify({ machine: "elsewhere", pid: 1 }),
  );
  age(sign, seconds);
}

test("a claim is one's own until it is released", async () => {
  const folder = freshFolder();
  const [one, other] = [openClaims(folder), openClaims(folder)];
  expect(one.take("a.json")).toBe(true);
  expect(other.take("a.json")).toBe(false);
  expect(other.isTaken("a.json")).toBe(true);
  expect(other.take("b.json")).toBe(true);
  other.release("a.json");
  expect(other.isTaken("a.json")).toBe(true);
  one.release("a.json");
  expect(one.isTaken("a.json")).toBe(false);
  expect(other.take("a.json")).toBe(true);
  await other.close();
  expect(one.isTaken("a.json")).toBe(false);
  expect(one.isTaken("b.json")).toBe(false);
  await one.close();
  expect(readdirSync(folder)).toEqual([]);
});

test("the claim of somebody without a sign of life for 15 seconds is taken over", async () => {
  const folder = freshFolder();
  const claims = openClaims(folder);
  claims.take("a.json");
  foreigner(folder, 10);
  expect(claims.isTaken("a.json")).toBe(true);
  expect(claims.take("a.json")).toBe(false);
  foreigner(folder, 20);
  expect(claims.isTaken("a.json")).toBe(false);
  expect(claims.take("a.json")).toBe(true);
  await claims.close();
});

test("the claim of a process of this machine that has ended is taken over at once", async () => {
  const folder = freshFolder();
  const process = spawn("true");
  await once(process, "exit");
  const claims = openClaims(folder);
  claims.take("a.json");
  foreigner(folder, 0);
  expect(claims.isTaken("a.json")).toBe(true);
  const [own] = readdirSync(join(folder, "claims")).filter(
    (file) => file.endsWith(".here") && file !== "somebody.here",
  );
  const sign = JSON.parse(readFileSync(join(folder, "claims", own!), "utf8"));
  put(
    folder,
    "claims/somebody.here",
    JSON.stringify({ ...sign, pid: process.pid }),
  );
  expect(claims.isTaken("a.json")).toBe(false);
  expect(claims.take("a.json")).toBe(true);
  await claims.close();
});

test("signs of life come while this thread computes", async () => {
  const folder = freshFolder();
  const claims = openClaims(folder);
  const [sign] = readdirSync(join(folder, "claims"));
  const path = join(folder, "claims", sign!);
  age(path, 60);
  // Nothing else gets to run here until there is a sign.
  while (Date.now() - statSync(path).mtimeMs > 30_000);
  const other = openClaims(folder);
  claims.take("a.json");
  expect(other.take("a.json")).toBe(false);
  await Promise.all([claims.close(), other.close()]);
});

test("litter of killed writes is removed by who comes when nobody is there, and by nobody else", async () => {
  const litter = [
    "models/base.onnx.1697408081",
    "records/a.json.12",
    "numbers.npy.4294967295",
    "big.onnx.part",
  ];
  const kept = [
    "models/base.onnx",
    "records/a.json",
    "notes.txt.1",
    "run.log.20261130",
    "onnx.12",
  ];
  const folder = freshFolder();
  for (const file of [...litter, ...kept]) age(put(folder, file, "1"), 5);
  put(folder, "claims/dead.claim", "nobody");
  const young = put(folder, "young.json.7", "1");
  age(young, -60);
  const there = () =>
    [...litter, ...kept].filter((file) => existsSync(join(folder, file)));
  const sign = put(
    folder,
    "claims/somebody.here",
    JSON.stringify({ machine: "elsewhere", pid: 1 }),
  );
  await openClaims(folder).close();
  expect(there()).toEqual([...litter, ...kept]);
  age(sign, 20);
  await openClaims(folder).close();
  expect(there()).toEqual(kept);
  expect(existsSync(young)).toBe(true);
  expect(existsSync(join(folder, "claims"))).toBe(false);
});

test("what another made while one waited is not made again, and what he gave up is", async () => {
  const folder = freshFolder();
  const store = openStore(folder);
  const other = openClaims(folder);
  const claims = openClaims(folder);
  const ran: string[] = [];
  const work = (id: string) =>
    fakeWork(store, id, { act: () => void ran.push(id) });
  const works = ["made", "left", "free"].map(work);
  for (const { record } of works.slice(0, 2)) other.take(record);
  const states: string[] = [];
  const run = perform(works, {
    hands: ownHands(),
    store,
    claims,
    onEvent: (event) =>
      event.kind === "work" && states.push(`${event.work} ${event.state}`),
  });
  while (ran.length === 0) await moment(5);
  expect(ran).toEqual(["free"]);
  store.write(works[0]!.record, {});
  for (const { record } of works) other.release(record);
  expect(await run).toEqual([]);
  expect(ran).toEqual(["free", "left"]);
  expect(states.slice(2).sort()).toEqual([
    "left done",
    "left started",
    "made kept",
  ]);
  await Promise.all([other.close(), claims.close()]);
});

const started = (folder: string, count: number, milliseconds: number) =>
  spawn(
    process.execPath,
    [
      packagePath("test/audit/works/claims-run.mjs"),
      folder,
      String(count),
      String(milliseconds),
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );

const ended = async (child: ChildProcess) =>
  (await once(child, "exit"))[0] as number | null;

const linesOf = (folder: string, file: string) =>
  existsSync(join(folder, file))
    ? readFileSync(join(folder, file), "utf8").trim().split("\n")
    : [];

test("two processes on one folder make each record once in sum, and both help", async () => {
  const folder = freshFolder();
  const both = [started(folder, 60, 40), started(folder, 60, 40)];
  expect(await Promise.all(both.map(ended))).toEqual([0, 0]);
  const done = linesOf(folder, "done").map((line) => line.split(" "));
  expect(done.map(([id]) => id).sort()).toEqual(
    Array.from({ length: 60 }, (_, i) => `w${i}`).sort(),
  );
  expect(new Set(done.map(([, pid]) => pid)).size).toBe(2);
  expect(existsSync(join(folder, "claims"))).toBe(false);
});

test("where one of two processes is killed the other finishes its works", async () => {
  const folder = freshFolder();
  const [victim, heir] = [started(folder, 40, 60), started(folder, 40, 60)];
  const end = ended(heir!);
  const isBegun = () =>
    linesOf(folder, "begun").some((line) => line.endsWith(` ${victim!.pid}`));
  while (!isBegun()) await moment(5);
  // By then what it claimed bears its name: a claim without one is anybody's only after
  // 15 seconds.
  await moment(20);
  victim!.kill("SIGKILL");
  expect(await end).toBe(0);
  const ids = linesOf(folder, "done").map((line) => line.split(" ")[0]);
  expect(new Set(ids).size).toBe(40);
  // What the other had done may not have had its record yet.
  expect(ids.length).toBeLessThanOrEqual(42);
});
