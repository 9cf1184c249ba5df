import { tableFromArrays, tableToIPC } from "@uwdata/flechette";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, expect, test } from "vitest";
import { type DataSpecInput, dataSpecSchema, loadDataset } from "#data";
import { most } from "../../src/data/csv.ts";
import { atOnce } from "../../src/data/groups.ts";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
const usual = { ...most };
const usualGroups = { ...atOnce };
afterEach(() => {
  Object.assign(most, usual);
  Object.assign(atOnce, usualGroups);
});

/** Reads of a file all at once, or a few cells at a time. */
async function read(spec: object, inBlocks: boolean) {
  Object.assign(most, inBlocks ? { bytes: 0, cells: 10 } : usual);
  const parsed = dataSpecSchema.parse(spec as DataSpecInput);
  return loadDataset(parsed, home).catch((error: Error) => error.message);
}

async function requireSame(spec: object) {
  const [whole, blocks] = [await read(spec, false), await read(spec, true)];
  if (typeof whole === "string" || typeof blocks === "string") {
    // Of several faults another one may be the first that is seen.
    expect([typeof whole, typeof blocks]).toEqual(["string", "string"]);
    return;
  }
  expect(blocks.x).toEqual(whole.x);
  expect(blocks.table).toEqual(whole.table);
  expect(blocks.parts).toEqual(whole.parts);
  expect([...blocks.y]).toEqual([...whole.y]);
  expect(blocks.classes).toEqual(whole.classes);
  expect(blocks.fingerprint).toBe(whole.fingerprint);
}

const cell = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -5, max: 5 }).map(String) },
  {
    weight: 4,
    arbitrary: fc.double({ noNaN: true, min: 0, max: 9 }).map(String),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("True", "false", " 3 ", '"4"', "", "NA"),
  },
);
const named = fc.constantFrom(
  '"a\nb"',
  "rent",
  '"say ""x"", yes"',
  " own",
  "é",
);
const row = fc.tuple(
  cell,
  cell,
  named,
  fc.constantFrom("yes", "no"),
  fc.constantFrom("train", "val", "test"),
);

test("a CSV says the same in blocks of rows as whole, or is refused either way", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 0, maxLength: 25 }),
      fc.record({
        bom: fc.boolean(),
        end: fc.constantFrom("\n", "\r\n"),
        blank: fc.boolean(),
        stated: fc.boolean(),
        short: fc.boolean(),
      }),
      async (rows, { bom, end, blank, stated, short }) => {
        const lines = ["a,b,home,y,part", ...rows.map((cells) => cells.join())];
        if (blank) lines.splice(2, 0, "", "");
        if (short) lines.splice(5, 0, "1,2");
        put(home, "t.csv", (bom ? "\ufeff" : "") + lines.join(end));
        await requireSame({
          source: "csv",
          path: "t.csv",
          label: "y",
          split: "part",
          columns: {
            a: stated ? { type: "integer", range: [-5, 5] } : "number",
            home: "category",
            b: "number",
          },
        });
      },
    ),
    { numRuns: 30 },
  );
});

test("a row is named by its line, in whichever block it stands", async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `${i},${i % 2}`);
  lines[20] = '"20\n",0';
  lines[50] = "fifty,1";
  put(home, "t.csv", ["a,y", "", ...lines].join("\n"));
  const spec = { source: "csv", path: "t.csv", label: "y" };
  const said = await read(spec, true);
  expect(said).toMatch(
    /t\.csv, line 54, column "a" has "fifty", expected a number/,
  );
  expect(await read(spec, false)).toBe(said);
});

const n = 60;
const at = Array.from({ length: n }, (_, i) => i);
const columns = {
  id: at.map((i) => (i * 7) % 13),
  big: BigInt64Array.from(at, (i) => BigInt(i) ** 2n),
  home: at.map((i) => ["rent", "own", `h${i >> 4}`][i % 3] as string),
  y: at.map((i) => i % 2 === 0),
};

test.each([
  ["arrow", "file", { together: 2 ** 20, most: 2 ** 24 }],
  ["arrow", "stream", { together: 8, most: 2 ** 24 }],
  ["arrow", "file", { together: 8, most: 12 }],
  ["parquet", "groups of 25", { together: 8, most: 12 }],
  ["parquet", "groups of 25", { together: 200, most: 250 }],
] as const)(
  "%s (%s) says the same as CSV, read by %o cells",
  async (source, form, cells) => {
    Object.assign(atOnce, cells);
    const bytes =
      source === "arrow"
        ? tableToIPC(tableFromArrays(columns, { maxBatchRows: 25 }), {
            format: form,
          })
        : new Uint8Array(
            parquetWriteBuffer({
              columnData: [
                { name: "id", data: columns.id, type: "INT32" },
                { name: "big", data: columns.big, type: "INT64" },
                { name: "home", data: columns.home, type: "STRING" },
                { name: "y", data: columns.y, type: "BOOLEAN" },
              ],
              rowGroupSize: 25,
              pageSize: 40,
            }),
          );
    put(home, `t.${source}`, bytes as Uint8Array);
    const { id, big, home: homes, y } = columns;
    const rows = at.map(
      (i) => `${id[i]},${big[i]},${homes[i]},${y[i] ? "True" : "False"}`,
    );
    put(home, "t.csv", ["id,big,home,y", ...rows].join("\n"));
    const load = (name: "csv" | "arrow" | "parquet") =>
      loadDataset(
        dataSpecSchema.parse({
          source: name,
          path: `t.${name}`,
          label: "y",
          columns: { id: "integer", big: "number", home: "category" },
        } as DataSpecInput),
        home,
      );
    const [csv, other] = [await load("csv"), await load(source)];
    expect(other.table).toEqual(csv.table);
    expect(other.x).toEqual(csv.x);
    expect(other.fingerprint).toBe(csv.fingerprint);
  },
);

test("a table that is another one when it is read again is refused", async () => {
  const { openCsv } = await import("../../src/data/csv.ts");
  const { samplesOf } = await import("../../src/data/table-values.ts");
  const path = `${home}/t.csv`;
  const text = (n: number) =>
    ["a,y", ...Array.from({ length: n }, (_, i) => `${i % 3},${i % 2}`)].join(
      "\n",
    );
  Object.assign(most, { bytes: 0, cells: 10 });
  for (const n of [30, 50]) {
    put(home, "t.csv", text(40));
    const rows = await openCsv(path, {
      delimiter: ",",
      header: true,
      skip: 0,
      isNumber: (name) => name === "a",
    });
    let passes = 0;
    const spec = { label: "y", constraints: [] };
    await expect(
      samplesOf(
        {
          ...rows,
          parts(names) {
            if (passes++ > 0) put(home, "t.csv", text(n));
            return rows.parts(names);
          },
        },
        spec,
      ),
    ).rejects.toThrow(/t\.csv has another number of rows than the 40/);
  }
});
