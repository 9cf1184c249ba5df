import { expect, test } from "vitest";
import type { AuditEvent } from "../../src/audit/events.ts";
import { openStore } from "../../src/audit/store.ts";
import { kept, progressOf } from "../../src/audit/work.ts";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();
const store = openStore(folder);

test("a record is made once, and again where it is damaged or what it speaks of is not whole", async () => {
  let made = 0;
  const make = async () => ({ made: ++made });
  const again = (isWhole?: () => boolean) =>
    kept({ store }, "records/one.json", make, isWhole);
  expect(await again()).toEqual({ record: { made: 1 }, reused: false });
  expect(await again()).toEqual({ record: { made: 1 }, reused: true });
  expect(await again(() => false)).toEqual({
    record: { made: 2 },
    reused: false,
  });
  put(folder, "records/one.json", '{ "made": ');
  expect(await again()).toEqual({ record: { made: 3 }, reused: false });
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
  expect(events).toEqual([{ kind: "progress", cell: "a cell", share: 0.5 }]);
});
