import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { XmlDocument, XsdValidator } from "libxml2-wasm";
import type { Log } from "sarif";
import { expect, test } from "vitest";
import type { Results } from "#results";
import { temporaryFolder } from "../folder.ts";
import { installPacked } from "../packed.ts";

const home = installPacked(temporaryFolder());

const read = (name: string) => readFileSync(join(home, name), "utf8");

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/formats/${name}`, import.meta.url));

/** What a pipeline runs, and its exit status. */
async function assay(...args: string[]) {
  const file = "node_modules/assay/dist/src/cli/main.js";
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [file, ...args],
      { cwd: home, maxBuffer: 2 ** 26 },
    );
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, out: stdout };
  }
}

/** The starter, made small: less training, fewer samples. */
const small = [
  ...["--set", "samples=40", "--set", "base.pretrain.epochs=3"],
  ...["--set", "candidates.head-only.epochs=3"],
];

const epochs = (count: number) => ["--set", `candidates.full.epochs=${count}`];

test("from an empty folder to what a pipeline shows of a regression", async () => {
  expect(await assay("init", "--yes")).toMatchObject({ code: 0 });
  expect(existsSync(join(home, ".github/workflows/assay.yml"))).toBe(true);
  expect(await assay("validate", "assay.yaml")).toMatchObject({ code: 0 });
  expect(await assay("plan", "assay.yaml")).toMatchObject({ code: 0 });

  const run = ["run", "assay.yaml", "--quiet", ...small];
  // The head alone learns too little in 3 epochs for the gate of the starter.
  const before = await assay(...run, ...epochs(6), "--out", "runs/main");
  expect(before).toMatchObject({ code: 3 });
  expect(await assay("baseline", "save", "runs/main")).toMatchObject({
    code: 0,
  });

  const now = await assay(
    ...[...run, ...epochs(1), "--out", "runs/mine"],
    ...["--baseline", "baseline.json"],
    ...["--reporter", "junit:ci/junit.xml", "--reporter", "sarif:ci/a.sarif"],
  );
  expect(now.code).toBe(3);
  expect(now.out).toMatch(/Since the baseline: .* [1-9]\d* became worse/);
  const compare = ["compare", "baseline.json"];
  const failing = ["--markdown", "--fail-on", "regression"];
  const same = await assay(...compare, "runs/main", "--markdown");
  expect(same.out).toMatch(/tested, 0 became worse and 0 better/);
  const worse = await assay(...compare, "runs/mine", ...failing);
  expect(worse.code).toBe(3);
  expect(worse.out).toMatch(/^\| worse \| .*\| full /m);

  const results = JSON.parse(read("runs/mine/results.json")) as Results;
  const broken = results.gate.rules.filter((r) => r.verdict === "failed");
  expect(broken.length).toBeGreaterThan(0);

  const junit = XmlDocument.fromString(read("ci/junit.xml"));
  const xsd = XmlDocument.fromBuffer(fixture("junit-10.xsd"));
  XsdValidator.fromDoc(xsd).validate(junit);
  expect(junit.find("//testcase/failure")).toHaveLength(broken.length);
  const cases = junit.find("//testcase").length;
  expect(cases).toBe(results.gate.rules.length + results.cells.length);
  expect(junit.find("/testsuites/@tests")[0]?.content).toBe(String(cases));

  const ajv = new Ajv({ strict: false, unicodeRegExp: false });
  addFormats.default(ajv);
  const isSarif = ajv.compile(
    JSON.parse(fixture("sarif-2.1.0.schema.json").toString()),
  );
  const log = JSON.parse(read("ci/a.sarif")) as Log;
  isSarif(log);
  expect(isSarif.errors).toBeNull();
  const errors = log.runs[0]?.results?.filter(({ level }) => level === "error");
  expect(errors).toHaveLength(broken.length);
});
