import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AuditEvent } from "../../src/audit/events.ts";
import { openStore } from "../../src/audit/store.ts";
import { kept, progressOf } from "../../src/audit/workplace.ts";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();
const told: string[] = [];
const store = openStore(folder, (message) => told.push(message));

test("a record is made once, and again where it is damaged or what it speaks of is not whole", async () => {
  let made = 0;
  const make = async () => ({ made: ++made });
  const again = (files: string[] = []) =>
    kept({ store }, "records/one.json", make, () => files);
  expect(await again()).toEqual({ record: { made: 1 }, reused: false });
  expect(await again()).toEqual({ record: { made: 1 }, reused: true });
  put(folder, "records/one.json", '{ "made": ');
  const beside = put(folder, "records/one.npy", "1");
  expect(await again(["records/one.npy"])).toEqual({
    record: { made: 2 },
    reused: false,
  });
  expect(await again()).toEqual({ record: { made: 2 }, reused: true });
  writeFileSync(beside, "2");
  expect((await again(["records/one.npy"])).record).toEqual({ made: 3 });
  rmSync(beside);
  expect((await again()).record).toEqual({ made: 4 });
  expect(told).toEqual([
    "records/one.json in the folder of the run is not as it was written; it is made again.",
    "records/one.npy in the folder of the run is not as it was written; it is made again.",
    "records/one.npy in the folder of the run is not there any more; it is made again.",
  ]);
});

test("a record is read as it was written, or not at all, whichever of its bits has changed", () => {
  const damage: string[] = [];
  const strict = openStore(folder, (message) => damage.push(message));
  put(folder, "records/beside.npy", "1");
  const record = { half: 0.5, text: "ä", none: null, list: [1e-9, true] };
  strict.write("records/bits.json", record, ["records/beside.npy"]);
  expect(strict.read("records/bits.json")).toEqual(record);
  const bytes = readFileSync(strict.path("records/bits.json"));
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const rotten = Uint8Array.from(bytes);
    rotten[bit >> 3] = rotten[bit >> 3]! ^ (1 << (bit & 7));
    put(folder, "records/bits.json", rotten);
    expect(strict.read("records/bits.json"), `bit ${bit}`).toBeUndefined();
  }
  expect(new Set(damage)).toEqual(
    new Set([
      "records/bits.json in the folder of the run is not as it was written; it is made again.",
    ]),
  );
});

test("nothing is kept of what failed", async () => {
  const fail = () => Promise.reject(new Error("no"));
  await expect(kept({ store }, "records/two.json", fail)).rejects.toThrow("no");
  expect(store.read("records/two.json")).toBeUndefined();
});

test("progress is told until the run is to stop", () => {
  const events: AuditEvent[] = [];
  const abort = new AbortController();
  const progress = progressOf(
    { onEvent: (e) => events.push(e), signal: abort.signal },
    "a cell",
  );
  progress(0.5);
  abort.abort();
  expect(() => progress(1)).toThrow(
    expect.objectContaining({ code: "INTERRUPTED" }),
  );
  expect(events).toEqual([{ kind: "progress", what: "a cell", share: 0.5 }]);
});
