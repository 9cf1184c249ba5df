import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { fatesOf, type Results } from "#results";
import { csv } from "../../reports/reporters/csv.ts";
import { parquet } from "../../reports/reporters/parquet.ts";
import { names, resultsNamed } from "./names.ts";
import { filesOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

type Row = Record<string, unknown>;

async function fromCsv(results: Results): Promise<Map<string, Row[]>> {
  const files = await filesOf(csv, results);
  return new Map(
    Array.from(files, ([name, content]) => [
      name.replace(".csv", ""),
      parse(content as string, { columns: true, relax_column_count: false }),
    ]),
  );
}

async function fromParquet(results: Results): Promise<Map<string, Row[]>> {
  const files = await filesOf(parquet, results);
  const read = Array.from(files, async ([name, content]) => {
    const bytes = content as Uint8Array;
    const file = bytes.buffer.slice(
      bytes.byteOffset,
      bytes.byteOffset + bytes.byteLength,
    ) as ArrayBuffer;
    return [
      name.replace(".parquet", ""),
      await parquetReadObjects({ file }),
    ] as const;
  });
  return new Map(await Promise.all(read));
}

const results = exampleResults();

test("a row for each cell, finding and sample, with intervals and trust", async () => {
  const tables = await fromParquet(results);
  const cells = tables.get("cells")!;
  expect(cells).toHaveLength(results.cells.length);
  const i = results.cells.findIndex(({ trusted }) => !trusted);
  const { id, robustAccuracy: r } = results.cells[i]!;
  expect(cells[i]).toMatchObject({
    cell: id,
    robust_accuracy: r.value,
    robust_low: r.low,
    robust_high: r.high,
    samples: BigInt(r.n),
    trusted: false,
    failed_checks: "iterative-beats-single-step",
  });
  const samples = tables.get("samples")!.filter(({ cell }) => cell === id);
  expect(samples.map(({ outcome }) => outcome)).toEqual(
    fatesOf(results.cells[i]!.outcomes),
  );
  expect(samples.every(({ trusted }) => trusted === false)).toBe(true);
  const findings = results.trials.flatMap(({ findings }) => findings);
  expect(tables.get("trials")!.map(({ value }) => value)).toEqual(
    findings.map(({ value }) => value),
  );
  expect(tables.get("gate")!.at(-1)).toMatchObject({ verdict: "failed" });
  expect(tables.get("missing")!.map(({ why }) => why)).toEqual(
    Array(2).fill(results.failures?.[0]?.message),
  );
});

test("CSV and Parquet say the same", async () => {
  const [one, other] = [await fromCsv(results), await fromParquet(results)];
  expect([...one.keys()]).toEqual([...other.keys()]);
  const text = (value: unknown) =>
    value === null || value === undefined ? "" : String(value);
  for (const [name, rows] of other)
    expect(one.get(name)).toEqual(
      rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([k, v]) => [k, text(v)])),
      ),
    );
});

test("tables without rows are tables", async () => {
  const bare = exampleResults(() => ({
    cells: [],
    trials: [],
    worstCases: [],
    missing: undefined,
    failures: undefined,
  }));
  expect((await fromCsv(bare)).get("cells")).toEqual([]);
  expect((await fromParquet(bare)).get("samples")).toEqual([]);
});

test("names from outside are no formulas, and come back", async () => {
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const found = resultsNamed(name);
      const sound = name.replace(/\p{Cs}/gu, "\ufffd");
      const inParquet = await fromParquet(found);
      expect(
        inParquet.get("cells")!.map(({ candidate }) => candidate),
      ).toContain(sound);
      const cells = (await fromCsv(found)).get("cells")!;
      const candidates = cells.map(({ candidate }) => String(candidate));
      for (const one of candidates)
        expect(one).not.toMatch(/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/);
      expect(candidates.map((one) => one.replace(/^'/, ""))).toContain(
        sound.replaceAll("\0", "\ufffd").replace(/^'/, ""),
      );
    }),
    { numRuns: 30 },
  );
});
