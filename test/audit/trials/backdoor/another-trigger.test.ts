import { expect, test } from "vitest";
import { Random } from "#core";
import { floats } from "#onnx";
import { anotherTrigger } from "../../../../src/audit/trials/backdoor/another-trigger.ts";

test("another trigger changes as many pixels by as much, elsewhere, and alike in all samples", () => {
  const x = floats([3, 1, 6, 6], new Float32Array(108).fill(0.25));
  const trigger = (t: typeof x) => ({
    ...t,
    data: t.data.map((v, i) => (i % 36 > 31 ? v + 0.5 : v)),
  });
  const marked = anotherTrigger(trigger, new Random(2))(x).data;
  const rows = [0, 1, 2].map((i) => marked.subarray(36 * i, 36 * (i + 1)));
  for (const row of rows) {
    expect(row).toEqual(rows[0]);
    expect(row).not.toEqual(trigger(x).data.subarray(0, 36));
    expect([...row].sort()).toEqual(
      [...trigger(x).data.subarray(0, 36)].sort(),
    );
  }
});
