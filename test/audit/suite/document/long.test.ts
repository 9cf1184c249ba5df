import { expect, test } from "vitest";
import { parseDocument } from "../../../../src/audit/suite/document/index.ts";
import { suiteSchema } from "../../../../src/audit/suite/schema.ts";

const lines = (n: number, line: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => line(i)).join("\n");

/** Seconds of the processor that it takes to refuse a document. */
function cost(text: string): number {
  const before = process.cpuUsage();
  expect(() => parseDocument(text, "s.yaml", suiteSchema)).toThrow(/^s\.yaml:/);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

test.each<[string, (n: number) => string]>([
  ["unknown keys", (n) => lines(n, (i) => `k${i}: 1`)],
  ["keys that stand twice", (n) => lines(n, () => "k: 1")],
  ["aliases of one anchor", (n) => `a: &a 1\nb: [${"*a,".repeat(n)}]`],
  [
    "aliases of many anchors",
    (n) => `b: [${lines(n, (i) => `&a${i} 1, *a${i},`)}]`,
  ],
  ["aliases of nothing", (n) => `b: [${"*a,".repeat(n)}]`],
  ["merged maps", (n) => `a: &a {b: 1}\nc:\n${lines(n, () => "  <<: *a")}`],
  ["wrong candidates", (n) => `candidates:\n${lines(n, (i) => `  c${i}: 1`)}`],
  [
    "wrong keys of candidates",
    (n) => `candidates:\n${lines(n, (i) => `  c${i}: {stratgy: full}`)}`,
  ],
  ["closing braces", (n) => "}".repeat(n)],
])("the cost of a document grows with its length alone: %s", (_, document) => {
  cost(document(100));
  const [some, more] = [cost(document(2000)), cost(document(16_000))];
  // With the square of the length it would be 64 times as much.
  expect(more).toBeLessThan(24 * some + 0.5);
});
