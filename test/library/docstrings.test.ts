import { execFile } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { format, promisify } from "node:util";
import { beforeAll, expect, test, vi } from "vitest";
import { packagePath } from "#core";
import * as conformance from "../../src/conformance/index.ts";
import * as library from "../../src/index.ts";
import { matchers } from "../../src/matchers.ts";
import * as units from "../../src/units.ts";
import { put, temporaryFolder, workIn } from "../folder.ts";
import { writeDigits } from "./digits.ts";

const folder = temporaryFolder();

/** The doors of the package, by what one imports. */
const doors = {
  assay: "src/index.ts",
  "assay/units": "src/units.ts",
  "assay/conformance": "src/conformance/index.ts",
  "assay/matchers": "src/matchers.ts",
};

const publicFunctions = Object.entries({
  ...library,
  ...units,
  ...conformance,
  ...matchers,
}).flatMap(([name, value]) =>
  typeof value === "function" && !name.endsWith("Error") ? [name] : [],
);

/** Docstrings of exported functions, by their names. */
const docstrings = new Map(
  ["src", "reports", "attacks", "defenses"]
    .flatMap((room) =>
      readdirSync(packagePath(room), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => readFileSync(packagePath(room, file), "utf8")),
    )
    .flatMap((text) => [
      ...text.matchAll(
        /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport (?:async )?(?:function|const|class) (\w+)/g,
      ),
    ])
    .filter(([, doc]) => doc?.includes('from "assay'))
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

/** What an example is called by others, as its first line says; else its name. */
const fileOf = (name: string): string =>
  /^\/\/ (\S+\.ts)$/m.exec(exampleOf(name))?.[1] ?? `${name}.ts`;

workIn(folder);

beforeAll(async () => {
  await writeDigits(folder);
  await library.runSuite("suite.yaml", { out: "runs/first" });
  cpSync("runs/first", "runs/second", { recursive: true });
  for (const name of publicFunctions) {
    const code = exampleOf(name);
    put(folder, `own/${fileOf(name)}`, code);
    const here = Object.entries(doors).reduce(
      (text, [door, file]) =>
        text.replaceAll(`from "${door}"`, `from "${packagePath(file)}"`),
      code,
    );
    put(folder, `run/${fileOf(name)}`, here);
  }
});

test.each(publicFunctions)("%s has an example, which runs", async (name) => {
  const code = exampleOf(name);
  expect(code).toContain(name);
  const printed: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((...args) => printed.push(format(...args)));
  await import(join(folder, "run", fileOf(name)));
  log.mockRestore();
  const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)];
  for (const [, line] of promised) expect(printed).toContain(line);
});

test("every example compiles as a user's own code", async () => {
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
        paths: Object.fromEntries(
          Object.entries(doors).map(([door, file]) => [
            door,
            [packagePath(file)],
          ]),
        ),
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
