import { execFile } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { format, promisify } from "node:util";
import { beforeAll, expect, test, vi } from "vitest";
import { packagePath } from "#core";
import * as library from "../../src/index.ts";
import { matchers } from "../../src/matchers.ts";
import { put, temporaryFolder, workIn } from "../folder.ts";
import { writeDigits } from "./digits.ts";

const folder = temporaryFolder();

const publicFunctions = Object.entries({ ...library, ...matchers }).flatMap(
  ([name, value]) =>
    typeof value === "function" && !name.endsWith("Error") ? [name] : [],
);

/** Docstrings of exported functions, by their names. */
const docstrings = new Map(
  ["src", "reports"]
    .flatMap((room) =>
      readdirSync(packagePath(room), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => readFileSync(packagePath(room, file), "utf8")),
    )
    .flatMap((text) => [
      ...text.matchAll(
        /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport (?:async )?(?:function|const) (\w+)/g,
      ),
    ])
    .filter(([, doc]) => doc?.includes('from "assay"'))
    .map(([, doc = "", name = ""]) => [name, doc]),
);

const exampleOf = (name: string): string =>
  (
    /@example\n \* ```ts\n([\s\S]*?) \* ```/.exec(
      docstrings.get(name) ?? "",
    )?.[1] ?? ""
  )
    .replaceAll(/^ \* ?/gm, "")
    .replaceAll("*\\/", "*/");

workIn(folder);

beforeAll(async () => {
  await writeDigits(folder);
  await library.runSuite("suite.yaml", { out: "runs/first" });
  cpSync("runs/first", "runs/second", { recursive: true });
});

test.each(publicFunctions)("%s has an example, which runs", async (name) => {
  const code = exampleOf(name);
  expect(code).toContain(name);
  const path = put(
    folder,
    `run/${name}.ts`,
    code
      .replaceAll('from "assay"', `from "${packagePath("src/index.ts")}"`)
      .replaceAll("assay/matchers", packagePath("src/matchers.ts")),
  );
  const printed: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((...args) => printed.push(format(...args)));
  await import(path);
  log.mockRestore();
  const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)];
  for (const [, line] of promised) expect(printed).toContain(line);
});

test("every example compiles as a user's own code", async () => {
  for (const name of publicFunctions)
    put(folder, `own/${name}.ts`, exampleOf(name));
  put(folder, "own/package.json", '{ "type": "module" }');
  put(
    folder,
    "own/tsconfig.json",
    JSON.stringify({
      extends: packagePath("tsconfig.json"),
      compilerOptions: {
        noEmit: true,
        rootDir: "/",
        allowImportingTsExtensions: true,
        rewriteRelativeImportExtensions: false,
        paths: {
          assay: [packagePath("src/index.ts")],
          "assay/matchers": [packagePath("src/matchers.ts")],
        },
        typeRoots: [packagePath("node_modules/@types")],
      },
      include: ["*.ts"],
    }),
  );
  const tsc = packagePath("node_modules/typescript/bin/tsc");
  const { stdout } = await promisify(execFile)(process.execPath, [
    tsc,
    "-p",
    join(folder, "own"),
  ]).catch((error) => error);
  expect(stdout).toBe("");
});
