import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packagePath } from "#core";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();
const fixtures = packagePath("test/fixtures/arrow");

const load = (spec: object, from: string) =>
  loadDataset(dataSpecSchema.parse(spec) as DataSpec, from);

const read = (path: string, label: string, from = fixtures) =>
  load({ source: "arrow", path, label }, from);

describe("Arrow tables", () => {
  it.each(["named.arrow", "stream.arrow"])(
    "%s says the same as CSV, with its columns in their order",
    async (file) => {
      const data = await read(file, "ok");
      put(
        folder,
        "t.csv",
        "2024,__proto__,age,income,ok\n1,True,20,10.5,no\n2,False,40,0,yes\n3,True,60,40,yes\n",
      );
      const spec = { source: "csv", path: "t.csv", label: "ok" };
      const same = await load(spec, folder);
      const names = data.table?.columns.map((c) => c.name);
      expect(names).toEqual(["2024", "__proto__", "age", "income"]);
      expect(data.fingerprint).toBe(same.fingerprint);
    },
  );

  it.each([
    ["zstd", 120],
    ["lz4", 10_000],
  ])("are unpacked as pyarrow packs them by %s", async (codec, n) => {
    const { x, y, classes, table } = await read(`${codec}.feather`, "who");
    expect(table?.columns.map((c) => c.name)).toEqual(["n", "ok", "2024"]);
    const wanted = Array.from({ length: n }, (_, i) => i).flatMap((i) => [
      Math.fround((i % 7) / 6),
      Number(i % 7 > 3),
      Math.fround(((i * i) % 11) / 9),
    ]);
    expect(x.dims).toEqual([n, 3]);
    expect(Array.from(x.data)).toEqual(wanted);
    expect(Array.from(y, (k) => classes[k])).toEqual(
      Array.from({ length: n }, (_, i) => (i % 3 ? "ann" : "bob")),
    );
  });

  it.each([
    ["missing", /row 2, column "a" has no value/],
    ["list", /column "a" is neither of numbers/],
    ["time", /column "a" is neither of numbers/],
  ])("with a value that is a %s are refused", async (file, why) => {
    await expect(read(`${file}.feather`, "y")).rejects.toThrow(why);
  });

  it("of the first version of Feather are refused by name", async () => {
    put(folder, "t.feather", "FEA1 and what follows FEA1");
    await expect(read("t.feather", "y", folder)).rejects.toThrow(
      /the first version of Feather/,
    );
  });

  it("that are cut short or damaged are read or refused, and nothing else", async () => {
    const whole = readFileSync(`${fixtures}/zstd.feather`);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.nat(255),
        fc.boolean(),
        async (at, byte, cut) => {
          const bytes = Uint8Array.from(cut ? whole.subarray(0, at) : whole);
          if (!cut) bytes[at] = byte;
          put(folder, "t.feather", bytes);
          const refusal = await read("t.feather", "who", folder).catch(
            (error: unknown) => error,
          );
          if (refusal instanceof Error)
            expect(refusal.message).toContain("t.feather");
        },
      ),
      { numRuns: 15 },
    );
  });
});
