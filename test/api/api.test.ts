import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { packagePath } from "#core";
import { temporaryFolder } from "../folder.ts";
import { type Declaration, namedIn, openDeclarations } from "./declarations.ts";

const folder = temporaryFolder();

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [
    packagePath("node_modules/typescript/bin/tsc"),
    ...["-p", packagePath("tsconfig.build.json")],
    ...["--outDir", folder, "--emitDeclarationOnly", "--sourceMap", "false"],
  ]);
});

/** Entries of the package, by what one imports. */
const entries = [
  ["assay", "src/index.d.ts"],
  ["assay-units", "src/units.d.ts"],
  ["assay-conformance", "src/conformance/index.d.ts"],
  ["assay-matchers", "src/matchers.d.ts"],
] as const;

/** Longer declarations are schemas, which stand in schema/. */
const LONGEST = 4000;

const shown = ({ text }: Declaration) =>
  text.length > LONGEST ? `${text.slice(0, text.indexOf(":"))}: ...;` : text;

test.each(entries)(
  "what %s exports is as its report says",
  async (id, file) => {
    const { exportsOf } = openDeclarations(folder);
    const report = Array.from(
      exportsOf(file),
      ([name, declaration]) => `// ${name}\n${shown(declaration)}\n`,
    ).join("\n");
    await expect(report).toMatchFileSnapshot(`${id}.api.txt`);
  },
);

test.each(entries)(
  "what a signature of %s names is exported, there or by assay or assay/units",
  (_, file) => {
    const { exportsOf, find } = openDeclarations(folder);
    const own = exportsOf(file);
    const known = new Set(
      [file, "src/index.d.ts", "src/units.d.ts"].flatMap((door) =>
        Array.from(
          exportsOf(door).values(),
          (one) => `${one.file} ${one.name}`,
        ),
      ),
    );
    const leaks = [...own].flatMap(([name, declaration]) =>
      declaration.text.length > LONGEST
        ? []
        : namedIn(declaration, find)
            .filter((one) => !known.has(`${one.file} ${one.name}`))
            .map((one) => `${name} names ${one.name} (${one.file})`),
    );
    expect(leaks).toEqual([]);
  },
);
