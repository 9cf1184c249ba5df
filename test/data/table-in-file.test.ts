import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Random } from "#core";
import { type DataSpecInput, dataSpecSchema, loadDataset } from "#data";
import { isStreamed, rows, takeRows } from "#onnx";
import { memory } from "../../src/data/image-files.ts";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
const usual = memory.bytes;
const cache = join(home, "cache");

beforeEach(() => {
  memory.bytes = 64;
  vi.stubEnv("ASSAY_CACHE", cache);
});
afterEach(() => {
  memory.bytes = usual;
  vi.unstubAllEnvs();
});

const random = new Random(3);
const n = 200;
const table = Array.from({ length: n }, (_, i) => ({
  age: 18 + (i % 60),
  home: ["rent", "own", "none, yet"][i % 3] as string,
  income: random.uniform() * 1e5,
  id: BigInt(i),
  ok: i % 2 === 0,
}));

function parquet(change = (rows: typeof table) => rows, rowGroupSize = 30) {
  const own = change(table.map((row) => ({ ...row })));
  const of = <K extends keyof (typeof table)[0]>(name: K) =>
    own.map((row) => row[name]);
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "age", data: Int32Array.from(of("age")), type: "INT32" },
        { name: "home", data: of("home"), type: "STRING" },
        { name: "income", data: of("income"), type: "DOUBLE" },
        { name: "id", data: of("id"), type: "INT64" },
        { name: "ok", data: of("ok"), type: "BOOLEAN" },
      ],
      rowGroupSize,
    }),
  );
}

const spec = {
  label: "ok",
  columns: {
    age: { type: "integer", range: [0, 100] },
    home: "category",
    income: "number",
    id: "number",
  },
  constraints: ["age <= 90"],
};

const read = (file: string) =>
  loadDataset(
    dataSpecSchema.parse({
      source: file.endsWith(".csv") ? "csv" : "parquet",
      path: file,
      ...spec,
    } as DataSpecInput),
    home,
  );

test("a table that is large is read by groups of rows, and kept on the disk", async () => {
  put(home, "t.parquet", parquet());
  put(
    home,
    "t.csv",
    [
      "age,home,income,id,ok",
      ...table.map(
        ({ age, home, income, id, ok }) =>
          `${age},"${home}",${income},${id},${ok ? "True" : "False"}`,
      ),
    ].join("\n"),
  );
  memory.bytes = usual;
  const whole = await read("t.csv");
  expect(isStreamed(whole.x)).toBe(false);
  memory.bytes = 64;
  const csv = await read("t.csv");
  const groups = await read("t.parquet");
  for (const { x, fingerprint, table } of [csv, groups]) {
    expect(isStreamed(x)).toBe(true);
    expect(fingerprint).toBe(whole.fingerprint);
    expect(table).toEqual(whole.table);
    expect(takeRows(x, [199, 0, 61])).toEqual(takeRows(whole.x, [199, 0, 61]));
    expect(rows(x, 28, 33).data).toEqual(rows(whole.x, 28, 33).data);
  }
  const before = readdirSync(join(cache, "images"));
  await read("t.parquet");
  expect(readdirSync(join(cache, "images"))).toEqual(before);
  const [file] = before.map((name) => join(cache, "images", name)) as [string];
  for (const name of before) {
    const path = join(cache, "images", name);
    const bytes = readFileSync(path);
    bytes[24 * 61] = bytes[24 * 61]! ^ 1;
    writeFileSync(path, bytes);
  }
  expect(file).toMatch(/\.pixels$/);
  expect(() => takeRows(groups.x, [3, 61])).toThrow(
    /does not hold .*t\.parquet, row 62 as it was read/,
  );
});

test("what is wrong is named by its row, in whichever group it stands", async () => {
  const wrong = (change: (row: (typeof table)[0]) => void) =>
    parquet((rows) => {
      change(rows[131]!);
      return rows;
    });
  const cases: [Uint8Array, RegExp][] = [
    [wrong((row) => (row.age = 95)), /row 132 cannot be: .*age <= 90/],
    [wrong((row) => (row.age = 101)), /row 132, column "age" has 101, outside/],
    [
      wrong((row) => (row.income = Number.NaN)),
      /row 132, column "income" has no value/,
    ],
    [
      wrong((row) => (row.income = Number.POSITIVE_INFINITY)),
      /row 132, column "income" has "Infinity", expected a number/,
    ],
  ];
  for (const [k, [bytes, message]] of cases.entries()) {
    put(home, `w${k}.parquet`, bytes);
    await expect(read(`w${k}.parquet`)).rejects.toThrow(message);
  }
  // Drafts are not left behind.
  expect(
    readdirSync(join(cache, "images")).filter((name) => /part$/.test(name)),
  ).toEqual([]);
});

test("a table is the same whatever its groups, and held where it is small", async () => {
  put(home, "t.parquet", parquet());
  memory.bytes = usual;
  const { x, fingerprint } = await read("t.parquet");
  expect(isStreamed(x)).toBe(false);
  put(
    home,
    "one.parquet",
    parquet((rows) => rows, 1000),
  );
  expect((await read("one.parquet")).fingerprint).toBe(fingerprint);
});
