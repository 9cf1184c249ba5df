import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { canonicalJson } from "#core";
import { type Dataset, loadDataset } from "#data";
import { checkValue } from "../../../src/audit/suite/document/index.ts";
import { loadSuite } from "../../../src/audit/suite/index.ts";
import { suiteSchema } from "../../../src/audit/suite/schema.ts";
import { prepareData } from "../../../src/audit/tasks/index.ts";
import { settingsOf } from "../settings.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-names-"));
afterAll(() => rmSync(folder, { recursive: true }));

const strange = [
  "2024",
  "10",
  "9",
  "01",
  "-1",
  "1e3",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "null",
  "true",
  "",
];
const names = fc.uniqueArray(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...strange) },
    fc.string({ unit: "grapheme-ascii", maxLength: 6 }).map((s) => s.trim()),
  ),
  { minLength: 3, maxLength: 8 },
);

/** A map in YAML, its keys in this order; JSON's strings are YAML's. */
const yamlMap = (entries: readonly (readonly [string, unknown])[]) =>
  `{ ${entries.map(([k, v]) => `${JSON.stringify(k)}: ${JSON.stringify(v)}`).join(", ")} }`;

async function load(text: string) {
  const file = join(folder, "suite.yaml");
  writeFileSync(file, text);
  return loadSuite(file);
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

describe("names from outside", () => {
  it("are columns in the order in which they were written", async () => {
    await fc.assert(
      fc.asyncProperty(names, async (columns) => {
        const shuffled = columns.toReversed();
        const value = (name: string, row: number) =>
          row === 0 ? 0 : row === 1 ? 8 : columns.indexOf(name) % 8;
        const rows = [0, 1, 2].map((row) =>
          [...shuffled.map((name) => value(name, row)), `y${row % 2}`].join(),
        );
        const header = [...shuffled.map(quoted), "the label"].join();
        writeFileSync(join(folder, "t.csv"), [header, ...rows].join("\n"));
        const read = async (more: string) => {
          const { suite } = await load(
            `version: 1\ntitle: t\ncandidates: { a: { model: m.onnx } }\ndata: { source: csv, path: t.csv, label: the label${more} }\n`,
          );
          return loadDataset(suite.data, folder);
        };
        const last = ({ x }: Dataset) =>
          Array.from(x.data.subarray(2 * columns.length), (v) => 8 * v);
        const stated = await read(
          `, columns: ${yamlMap(columns.map((name) => [name, "number"]))}`,
        );
        expect(last(stated)).toEqual(columns.map((_, i) => i % 8));
        expect(stated.table?.columns.map((c) => c.name)).toEqual(columns);
        // A column without a name is most likely an index, and has to be stated.
        if (columns.includes("")) return;
        const found = await read("");
        expect(found.table?.columns.map((c) => c.name)).toEqual(shuffled);
      }),
    );
  });

  it("are classes of a task in the order in which they were written", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(strange, { minLength: 2, maxLength: 2 }),
        async ([a = "", b = ""]) => {
          const loaded = await load(
            [
              "version: 1",
              "title: t",
              "data: { source: digits }",
              "candidates: { a: { model: m.onnx } }",
              `tasks: { size: { relabel: { classes: ${yamlMap([
                [a, ["7", "9"]],
                [b, ["0", "1"]],
              ])} } } }`,
            ].join("\n"),
          );
          const { tasks } = await prepareData(loaded);
          expect(tasks.get("size")?.target.test.classes).toEqual([a, b]);
        },
      ),
      { numRuns: 10 },
    );
  });

  it("weigh the class that they name, and are told apart where results are kept", async () => {
    const weights = async (map: string) => {
      const { suite } = await load(
        `version: 1\ntitle: t\ndata: { source: digits }\ncandidates: { a: { strategy: full, classWeights: ${map} } }\n`,
      );
      return settingsOf(suite, "a").classWeights;
    };
    const [one, other] = [
      await weights("{ 10: 1, 9: 2, __proto__: 3 }"),
      await weights("{ 10: 1, 9: 2, __proto__: 4 }"),
    ];
    expect([...(one as ReadonlyMap<string, number>)]).toEqual([
      ["10", 1],
      ["9", 2],
      ["__proto__", 3],
    ]);
    expect(canonicalJson(one)).not.toBe(canonicalJson(other));
  });

  it.each(["candidates", "attacks", "threatModels", "tasks"])(
    "are refused as names of %s that an object would move or lose",
    async (key) => {
      const good = new Map([
        ["candidates", "model: m.onnx"],
        ["attacks", "id: fgsm"],
        ["threatModels", "norm: linf, eps: 0.1"],
        ["tasks", "relabel: { above: 0.5 }"],
      ]);
      for (const name of ["2024", "__proto__"]) {
        const maps = new Map([
          ["candidates", "{ a: { model: m.onnx } }"],
          [key, `{ ${name}: { ${good.get(key)} } }`],
        ]);
        const text = Array.from(maps, ([k, map]) => `${k}: ${map}`);
        await expect(
          load(
            `version: 1\ntitle: t\ndata: { source: digits }\n${text.join("\n")}\n`,
          ),
        ).rejects.toThrow(
          name === "2024"
            ? /found this key; begin with a letter/
            : /__proto__: found this key, expected another name/,
        );
      }
    },
  );

  it("are taken of a module as a Map, or as an object that has kept their order", () => {
    const suite = (columns: unknown) => ({
      version: 1,
      title: "t",
      data: { source: "csv", path: "t.csv", label: "y", columns },
      candidates: { a: { model: "m.onnx" } },
    });
    const read = (columns: unknown) =>
      checkValue(suite(columns), "suite.mjs", suiteSchema).data;
    const pairs = [
      ["b", "number"],
      ["2024", "number"],
    ] as const;
    expect(read(new Map(pairs))).toHaveProperty("columns", new Map(pairs));
    expect(read({ b: "number", a: "number" })).toHaveProperty(
      "columns",
      new Map([
        ["b", "number"],
        ["a", "number"],
      ]),
    );
    expect(() => read({ b: "number", 2024: "number" })).toThrow(
      'the name "2024" has lost its place among the keys of an object; write new Map(',
    );
  });
});
