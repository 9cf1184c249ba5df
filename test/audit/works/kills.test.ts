import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { packagePath, Random } from "#core";
import { openStore } from "../../../src/audit/store.ts";
import {
  type Failure,
  openClaims,
  openPool,
  perform,
  type Work,
} from "../../../src/audit/works/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { moment } from "./fake.ts";

const KILLS = process.env.ASSAY_LONG ? 100 : 8;
const COUNT = process.env.ASSAY_LONG ? 400 : 60;

/** Works that need three of those before them, and the sums that they find. */
function drawn(random: Random) {
  const works: Work[] = [];
  const sums: number[] = [];
  for (let i = 0; i < COUNT; i++) {
    const before = [0, 1, 2].map(() => random.below(Math.max(i, 1)));
    const needs = i < 3 ? [] : [...new Set(before)];
    works.push({
      id: `w${i}`,
      kind: "cell",
      record: `records/w${i}.json`,
      needs: needs.map((k) => works[k]!),
      size: 1,
      run: () => Promise.reject(new Error("children do it")),
    });
    sums.push(needs.reduce((sum, k) => sum + sums[k]!, 1));
  }
  return { works, sums };
}

/** Whether it is still a child: numbers of processes are used again. */
const isChild = (pid: number) =>
  pid > 0 &&
  (process.platform !== "linux" ||
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("child-main"));

/** Kills one of the children that last began something, every few moments. */
async function killing(pids: string, random: Random, isOver: () => boolean) {
  let kills = 0;
  while (!isOver() && kills < KILLS) {
    await moment(50 + random.below(150));
    const begun = existsSync(pids)
      ? readFileSync(pids, "utf8").trim().split("\n").slice(-2)
      : [];
    const pid = Number(begun[random.below(begun.length)] ?? 0);
    try {
      if (isChild(pid) && process.kill(pid, "SIGKILL")) kills++;
    } catch {
      // It has ended.
    }
  }
  return kills;
}

test("whatever is killed when, the same call again and again finds what was to be found", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "records"));
  const random = new Random(process.env.CI ? 1 : process.pid);
  const { works, sums } = drawn(random);
  const input = {
    folder,
    works: works.map(({ id, needs }) => ({
      id,
      needs: needs.map((n) => n.id),
    })),
  };
  const damage: string[] = [];
  const store = openStore(folder, (message) => damage.push(message));
  let over = false;
  const killer = killing(join(folder, "pids"), random, () => over);
  let failures: Failure[] = [];
  do {
    const hands = openPool({
      module: pathToFileURL(packagePath("test/audit/works/child-sums.mjs")),
      input,
      count: 3,
      threads: 1,
      onEvent: () => {},
    });
    const claims = openClaims(folder);
    failures = await perform(works, {
      hands,
      store,
      claims,
      onEvent: () => {},
    });
    await Promise.all([hands.close(), claims.close()]);
    for (const { code } of failures)
      expect(["WORKER_DIED", "NEED_FAILED"]).toContain(code);
  } while (failures.length > 0);
  over = true;
  expect(await killer).toBeGreaterThan(0);
  expect(damage).toEqual([]);
  expect(works.map(({ record }) => store.read(record))).toEqual(
    sums.map((sum) => ({ sum })),
  );
});
