import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { put, temporaryFolder } from "../folder.ts";
import { exampleResults } from "../reports/results.ts";
import { assay, main } from "./assay.ts";

const folder = temporaryFolder();
put(folder, "runs/one/results.json", JSON.stringify(exampleResults()));

test("shows the runs of the folder until Ctrl-C, and leaves them as they were", async () => {
  const command = spawn(process.execPath, [main, "view"], { cwd: folder });
  const [said] = await once(command.stdout, "data");
  const [, address] =
    /^1 run: (http:\/\/127\.0\.0\.1:\d+\/\?token=\w{48})\n/.exec(String(said))!;
  const entered = await fetch(address!);
  const cookie = entered.headers.get("set-cookie")!.split(";")[0]!;
  const home = new URL("/", address);
  const list = await fetch(home, { headers: { cookie } });
  expect(await list.text()).toContain("runs/one");
  command.kill("SIGINT");
  const [code] = await once(command, "exit");
  expect(code).toBe(130);
  await expect(fetch(home)).rejects.toThrow();
  expect(readdirSync(`${folder}/runs/one`)).toEqual(["results.json"]);
});

test("a folder that is not there, or a port that is none, is refused", async () => {
  mkdirSync(`${folder}/empty`);
  const none = await assay(`${folder}/empty`, "view");
  expect(none).toMatchObject({ code: 2, out: "" });
  expect(none.err).toContain("runs is not there");
  expect(await assay(folder, "view", "--port", "x")).toMatchObject({ code: 2 });
});
