import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { packagePath } from "#core";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { unscaled } from "#tables";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

/** Columns n, ok, 2024 and who of 120 rows, as pyarrow 26 writes them. */
const ZSTD =
  "UEFSMRUAFc4HFWosFfABFQAVBhUGHAAAACi1L/1g5wBdAQAUAgMAAADwAQEAAAAAAQAAAAIAAAADAAAABAAAAAUAAAAGAAIAvT8VCAaeFQAVLBU+LBXwARUAFQYVBhwAAAAotS/9IBaxAAADAAAA8AEBcDgcDofD4XA4HA6Hw+FwFQAVjg8VzgIsFfABFQAVBhUGHAAAACi1L/1gxwLtBACCChUSwCUdQOWr/v///3/DVX2jybYDMyIiQulelXmg0r0q80Cle1XmgUr3qswDle5VmQcq3asyD1S6V2UeqHSvyjxQ6V6VeaDSvSozTKW7CuMQAMCICAJ1qGDYsxnwlQMQEo65MQaOvC6JSCUeOOb6Mtsg1loFZttz5HVJRCrxwDHXl9kGsdYqMNueI69LIlKJ6wxcP/iNHltASp0CFQAVng0VUiwV8AEVABUGFQYcAAAAKLUv/WBPAv0AAKgDAAAA8AEBAwAAAGJvYgMAAABhbm4CACxxVlBGYQIVBBlcNQAYBnNjaGVtYRUIABUCJQIYAW4AFQAlAhgCb2sAFQolAhgEMjAyNAAVDCUCGAN3aG8lAEwcAAAAFvABGRwZTCYAHBUCGSUGABkYAW4VDBbwARb4BxaUASYISRwVABUAFQIAPCkGGSYA8AEAAAAmABwVABklBgAZGAJvaxUMFvABFlQWZiacAUkcFQAVABUCADwpBhkmAPABAAAAJgAcFQoZJQYAGRgEMjAyNBUMFvABFroPFvoCJoICSRwVABUAFQIAPCkGGSYA8AEAAAAmABwVDBklBgAZGAN3aG8VDBbwARbIDRZ8JvwESRwVABUAFQIAPBbQBRkGGSYA8AEAAAAWziUW8AEmCBbwBQAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGUwcAAAcAAAcAAAcAAAAQgEAAFBBUjE=";
const LZ4 =
  "UEFSMRUAFc4HFVgsFfABFQAVBhUGHAAAALADAAAA8AEBAAAAAAUAQAIAAAATAJAEAAAABQAAAAYZAA8cAP+sUAAAAAAAFQAVLBUwLBXwARUAFQYVBhwAAADwBwMAAADwAQFwOBwOh8PhcDgcDofD4XAVABWODxWSASwV8AEVABUGFQYcAAAAiQMAAADwAQEAAQAi0D8PABPwCAAiAkAQABP0EAAb6AgABBgABCgABDgABEgABAIABBAABCAABDAABEAAD1gA////JVAAAADwPxUAFZ4NFUYsFfABFQAVBhUGHAAAAHADAAAA8AEBBwAwYm9iBwA3YW5uBwAPFQD///8aUAAAYW5uFQQZXDUAGAZzY2hlbWEVCAAVAiUCGAFuABUAJQIYAm9rABUKJQIYBDIwMjQAFQwlAhgDd2hvJQBMHAAAABbwARkcGUwmABwVAhklBgAZGAFuFQ4W8AEW+AcWggEmCEkcFQAVABUCADwpBhkmAPABAAAAJgAcFQAZJQYAGRgCb2sVDhbwARZUFlgmigFJHBUAFQAVAgA8KQYZJgDwAQAAACYAHBUKGSUGABkYBDIwMjQVDhbwARa6Dxa+ASbiAUkcFQAVABUCADwpBhkmAPABAAAAJgAcFQwZJQYAGRgDd2hvFQ4W8AEWyA0WcCagA0kcFQAVABUCADwW0AUZBhkmAPABAAAAFs4lFvABJggWiAQAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRlMHAAAHAAAHAAAHAAAAEIBAABQQVIx";

async function load(content: string, spec: Record<string, unknown>) {
  put(folder, "t.csv", content);
  return loadDataset(
    dataSpecSchema.parse({ source: "csv", path: "t.csv", ...spec }) as DataSpec,
    folder,
  );
}

const people = [
  "age,home,income,total,ok",
  "20,rent,10.5,30.5,no",
  '40,"own, paid",0,40,yes',
  "60,rent,40,100,yes",
].join("\n");
const columns = {
  age: { type: "integer", range: [0, 100] },
  home: "category",
  income: { type: "number", range: [0, 40], change: "up" },
  total: { type: "number", range: [0, 200] },
};
const constraints = ["total = age + income"];

describe("CSV tables", () => {
  it("are typed and scaled", async () => {
    const data = await load(people, { label: "ok", columns, constraints });
    expect(data.x.dims).toEqual([3, 5]);
    expect(Array.from(data.x.data.subarray(5, 10))).toEqual([
      Math.fround(0.4),
      1,
      0,
      0,
      Math.fround(0.2),
    ]);
    expect(data.classes).toEqual(["no", "yes"]);
    expect(Array.from(data.y)).toEqual([0, 1, 1]);
    expect(data.table?.features.map((f) => f.name)).toEqual([
      "age",
      "home:own, paid",
      "home:rent",
      "income",
      "total",
    ]);
  });

  it("take every other column as a number when none is declared", async () => {
    const data = await load("5\n1;10;b\n2;30;a\n", {
      delimiter: ";",
      header: false,
      skip: 1,
      label: "c3",
    });
    expect(Array.from(data.x.data)).toEqual([0, 0, 1, 1]);
    expect(Array.from(data.y)).toEqual([1, 0]);
  });

  it("give whole numbers back exactly and others to float32", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.integer({ min: -1e5, max: 1e6 }),
            fc.double({ min: -1e3, max: 1e3, noNaN: true }),
          ),
          { minLength: 2, maxLength: 8 },
        ),
        async (rows) => {
          const text = rows.map(([n, v], i) => `${n},${v},${i % 2}`);
          const { x, table } = await load(["n,v,y", ...text].join("\n"), {
            label: "y",
            columns: { n: "integer", v: "number" },
          });
          rows.forEach(([n, v], i) => {
            if (!table) throw new Error("a table has a table");
            const raw = unscaled(table, x.data.subarray(2 * i, 2 * i + 2));
            expect(raw[0]).toBe(n);
            expect(Math.abs(raw[1]! - v)).toBeLessThan(2e3 * 2 ** -24);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it("have their values in one order, whatever order the rows have", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(["10", "9", "1a", "b", "-1", "2.5"], {
          minLength: 2,
        }),
        async (values) => {
          const lines = values.map((v, i) => `${v},${i % 2}`);
          const { table } = await load(["v,y", ...lines].join("\n"), {
            label: "y",
            columns: { v: "category" },
          });
          const numbers = values.filter((v) => Number.isFinite(Number(v)));
          expect(table?.columns[0]?.values).toEqual(
            numbers.length === values.length
              ? numbers.sort((a, b) => Number(a) - Number(b))
              : values.toSorted(),
          );
        },
      ),
    );
  });

  it("refuse an index without a name, unless columns are stated", async () => {
    const text = ",a,y\n0,5,no\n1,6,yes\n";
    await expect(load(text, { label: "y" })).rejects.toThrow(
      /column 1 of .*t\.csv has no name, as the index that pandas writes/,
    );
    const { x } = await load(text, { label: "y", columns: { a: "number" } });
    expect(x.dims).toEqual([2, 1]);
  });

  it("have booleans as pandas, R and JSON write them", async () => {
    const data = await load(
      "a,b,c,ok\nTrue,FALSE,true,False\nFalse,TRUE,0,True\n",
      {
        label: "ok",
      },
    );
    expect(Array.from(data.x.data)).toEqual([1, 0, 1, 0, 1, 0]);
    expect(data.classes).toEqual(["False", "True"]);
    const labels = await load("a,b,c\n1,True,False\n0,False,True\n", {
      labels: ["b", "c"],
    });
    expect(Array.from(labels.targets?.data ?? [])).toEqual([1, 0, 0, 1]);
  });

  it("have values and classes called NA or none where these are named", async () => {
    const text =
      "region,garage,ok\nNA,none,None\nEU,attached,some\nNA,attached,None\n";
    const named = {
      region: { type: "category", values: ["EU", "NA"] },
      garage: { type: "category", values: ["attached", "none"] },
    };
    const data = await load(text, {
      label: "ok",
      classes: ["None", "some"],
      columns: named,
    });
    expect(Array.from(data.x.data)).toEqual(
      [
        [0, 1, 0, 1],
        [1, 0, 1, 0],
        [0, 1, 1, 0],
      ].flat(),
    );
    expect(Array.from(data.y)).toEqual([0, 1, 0]);
    await expect(
      load(text, { label: "ok", columns: { region: "category" } }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('"region" has no value (NA)'),
      hint: expect.stringContaining('Where "NA" is a name, list it'),
    });
    await expect(
      load(text.replace("NA,attached", ",attached"), {
        label: "ok",
        classes: ["None", "some"],
        columns: named,
      }),
    ).rejects.toThrow(/line 4, column "region" has no value \(it is empty\)/);
  });

  it("may have several labels, or values", async () => {
    const text = "a,p,q\n1,0,1\n2,1,1\n";
    const labels = await load(text, { labels: ["p", "q"] });
    expect(Array.from(labels.targets?.data ?? [])).toEqual([0, 1, 1, 1]);
    expect(labels.classes).toEqual(["p", "q"]);
    const values = await load(text, {
      targets: ["a"],
      columns: { p: "number" },
    });
    expect(Array.from(values.targets?.data ?? [])).toEqual([1, 2]);
  });

  it.each([
    [
      people.replace("10.5", ""),
      /t\.csv, line 2, column "income" has no value \(it is empty\)/,
    ],
    [
      people.replace("10.5", "NA"),
      /line 2, column "income" has no value \(NA\)/,
    ],
    [
      people.replace("10.5", "0x10"),
      /line 2, column "income" has "0x10", expected a number/,
    ],
    [
      people.replace("20,rent", "20.5,rent"),
      /line 2, column "age" has 20\.5, expected a whole number/,
    ],
    [
      people.replace("60,rent", "160,rent"),
      /line 4, column "age" has 160, outside \[0, 100\]/,
    ],
    [
      people.replace("100,yes", "101,yes"),
      /line 4 cannot be: it breaks "total = age \+ income"/,
    ],
    [`${people}\n1,2\n`, /line 5: has another number of columns/],
    ["age,age\n1,2\n", /two columns named "age"/],
    ["age,home,income,total,ok\n", /has no rows/],
    [people.replace("total,ok", "totl,ok"), /has no column "total"/],
  ])("are refused where they are wrong (%#)", async (text, message) => {
    await expect(
      load(text, { label: "ok", columns, constraints }),
    ).rejects.toThrow(message);
  });

  it("need to say what is right, once", () => {
    const spec = { source: "csv", path: "t.csv" };
    expect(() => dataSpecSchema.parse(spec)).toThrow(/one of label/);
    expect(() =>
      dataSpecSchema.parse({ ...spec, label: "a", targets: ["b"] }),
    ).toThrow(/one of label/);
  });

  it.runIf(existsSync(packagePath("../shared/data/tabular")))(
    "of wine and cells in ../shared are read whole",
    async () => {
      for (const [file, rows, width, label] of [
        ["wine_data.csv", 178, 13, "c14"],
        ["breast_cancer.csv", 569, 30, "c31"],
      ] as const) {
        const spec = dataSpecSchema.parse({
          source: "csv",
          path: packagePath("../shared/data/tabular", file),
          header: false,
          skip: 1,
          label,
        }) as DataSpec;
        expect((await loadDataset(spec, folder)).x.dims).toEqual([rows, width]);
      }
    },
  );
});

it("the made-up loans are rows that there can be, the same every time", async () => {
  const data = await loadDataset({ source: "loans" }, "/nowhere");
  expect(data.x.dims).toEqual([2000, 13]);
  expect(data.table?.relations).toHaveLength(5);
  const unpaid = data.y.filter((label) => label === 0).length;
  expect(unpaid / 2000).toBeGreaterThan(0.2);
  expect(unpaid / 2000).toBeLessThan(0.8);
  const again = await loadDataset({ source: "loans" }, "/nowhere");
  expect(again.fingerprint).toBe(data.fingerprint);
});

describe("Parquet tables", () => {
  const columnData = [
    { name: "age", data: Int32Array.of(20, 40, 60), type: "INT32" as const },
    {
      name: "home",
      data: ["rent", "own, paid", "rent"],
      type: "STRING" as const,
    },
    { name: "income", data: [10.5, 0, 40], type: "DOUBLE" as const },
    { name: "total", data: [30.5, 40, 100], type: "DOUBLE" as const },
    { name: "ok", data: ["no", "yes", "yes"], type: "STRING" as const },
  ];
  const spec = dataSpecSchema.parse({
    source: "parquet",
    path: "t.parquet",
    label: "ok",
    columns,
    constraints,
  }) as DataSpec;

  it.each(["UNCOMPRESSED", "SNAPPY", "GZIP"] as const)(
    "say the same as CSV (%s)",
    async (codec) => {
      const written = parquetWriteBuffer({
        columnData,
        codec,
        compressors: { GZIP: (bytes) => new Uint8Array(gzipSync(bytes)) },
      });
      put(folder, "t.parquet", new Uint8Array(written));
      const data = await loadDataset(spec, folder);
      const same = await load(people, { label: "ok", columns, constraints });
      expect(data.fingerprint).toBe(same.fingerprint);
    },
  );

  it("call booleans what CSV calls them", async () => {
    const written = parquetWriteBuffer({
      columnData: [
        { name: "a", data: [1, 2, 3], type: "DOUBLE" },
        { name: "ok", data: [true, false, true], type: "BOOLEAN" },
      ],
    });
    put(folder, "b.parquet", new Uint8Array(written));
    const table = { source: "parquet", path: "b.parquet", label: "ok" };
    const data = await loadDataset(
      dataSpecSchema.parse(table) as DataSpec,
      folder,
    );
    const same = await load("a,ok\n1,True\n2,False\n3,True\n", {
      label: "ok",
    });
    expect(data.fingerprint).toBe(same.fingerprint);
  });

  it.each([
    ["zstd", ZSTD],
    ["LZ4", LZ4],
  ])("are unpacked as pyarrow packs them by %s", async (_codec, content) => {
    put(folder, "p.parquet", Buffer.from(content, "base64"));
    const data = await loadDataset(
      dataSpecSchema.parse({
        source: "parquet",
        path: "p.parquet",
        label: "who",
      }) as DataSpec,
      folder,
    );
    expect(data.table?.columns.map((c) => c.name)).toEqual(["n", "ok", "2024"]);
    const { data: x } = data.x;
    for (let i = 0; i < 120; i++) {
      expect(data.classes[data.y[i]!]).toBe(i % 3 ? "ann" : "bob");
      const row = [(i % 7) / 6, Number(i % 7 > 3), ((i * i) % 11) / 9];
      expect(Array.from(x.subarray(3 * i, 3 * i + 3))).toEqual(
        row.map(Math.fround),
      );
    }
  });

  it("are refused when they are cut short or damaged, by name", async () => {
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData }));
    const damaged = bytes.slice();
    // The length of a run: the reader would go on for two thousand million values.
    damaged[12] = (damaged[12]! + 128) % 256;
    const endless = new Uint8Array(bytes);
    endless.set([0xff, 0xff, 0xff, 0x7f], bytes.length - 8);
    for (const file of [
      damaged,
      endless,
      ...[0, 7, 60, bytes.length - 9, bytes.length - 1].map((n) =>
        bytes.slice(0, n),
      ),
    ]) {
      put(folder, "t.parquet", file);
      await expect(loadDataset(spec, folder)).rejects.toThrow(/t\.parquet/);
    }
  });
});
