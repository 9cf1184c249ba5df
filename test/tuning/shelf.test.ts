import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { openShelf } from "#tuning";

const folder = mkdtempSync(join(tmpdir(), "assay-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const number = (key: number, i: number) => 1000 * key + i;

test("gives the rows that were put, from memory or a file, and makes none twice while there is room", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 400 }),
      fc.array(
        fc.record({
          key: fc.nat(3),
          order: fc.array(fc.nat(5), { maxLength: 8 }),
        }),
        { maxLength: 12 },
      ),
      async (memory, asked) => {
        const shelf = openShelf({ memory, folder });
        const made: number[] = [];
        for (const { key, order } of asked) {
          const rows = await shelf.borrow(`${key}`, 6, 3, async (put) => {
            made.push(key);
            for (const half of [0, 1])
              put.add(
                Float32Array.from({ length: 9 }, (_, i) =>
                  number(key, 9 * half + i),
                ),
              );
            return true;
          });
          expect([...rows!.take(order)]).toEqual(
            order.flatMap((row) =>
              [0, 1, 2].map((i) => number(key, 3 * row + i)),
            ),
          );
          shelf.giveBack(rows!);
        }
        // Four of 72 bytes each.
        if (memory >= 4 * 72) expect(new Set(made).size).toBe(made.length);
        shelf.release();
        expect(readdirSync(folder)).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});

test("what could not be made is not kept, and is asked for again", async () => {
  const shelf = openShelf({ folder });
  expect(await shelf.borrow("a", 1, 1, async () => false)).toBeUndefined();
  await expect(
    shelf.borrow("a", 1, 1, () => Promise.reject(new Error("stopped"))),
  ).rejects.toThrow("stopped");
  const rows = await shelf.borrow("a", 1, 1, async (put) => {
    put.add(Float32Array.of(7));
    return true;
  });
  expect(rows?.take([0, 0])).toEqual(Float32Array.of(7, 7));
  shelf.release();
});

test("takes no file that would fill the disk", async () => {
  const shelf = openShelf({ memory: 0, folder });
  const rows = await shelf.borrow("all", 2 ** 40, 2 ** 10, async () => true);
  expect(rows).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

test("rows that nobody asks for while others work are let go, and those in use stay", async () => {
  const shelf = openShelf({ folder });
  const made: string[] = [];
  const borrow = async (key: string) =>
    (await shelf.borrow(key, 1, 1, async (rows) => {
      made.push(key);
      rows.add(Float32Array.of(1));
      return true;
    }))!;
  const used = await borrow("used");
  shelf.giveBack(await borrow("idle"));
  for (let work = 0; work < 40; work++) {
    shelf.giveBack(await borrow("often"));
    shelf.age();
  }
  expect([...used.take([0])]).toEqual([1]);
  await borrow("used");
  await borrow("idle");
  expect(made).toEqual(["used", "idle", "often", "idle"]);
});
