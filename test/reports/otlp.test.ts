import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Kept, Results } from "#results";
import { otlp } from "../../reports/reporters/otlp.ts";
import { names, resultsNamed } from "./names.ts";
import { nothing } from "./nothing.ts";
import { exampleResults } from "./results.ts";
import { type Seen, withServer } from "./server.ts";

/**
 * opentelemetry/proto/trace/v1/trace.proto in its mapping to JSON: ids in hex, 64-bit
 * numbers as text, enums as numbers.
 */
const attributes = z.array(
  z.strictObject({
    key: z.string().min(1),
    value: z.union([
      z.strictObject({ stringValue: z.string() }),
      z.strictObject({ boolValue: z.boolean() }),
      z.strictObject({ doubleValue: z.number() }),
    ]),
  }),
);
const scope = z.strictObject({ name: z.string(), version: z.string() });
const time = z.string().regex(/^\d{19}$/);
const span = z.strictObject({
  traceId: z.string().regex(/^(?!0+$)[0-9a-f]{32}$/),
  spanId: z.string().regex(/^(?!0+$)[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string().min(1),
  kind: z.int().min(0).max(5),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  status: z.strictObject({
    code: z.int().min(0).max(2).optional(),
    message: z.string().optional(),
  }),
});
const request = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })),
    }),
  ),
});

const start = Date.parse("2026-01-01T00:00:10Z");
const watched: Kept = {
  ...nothing,
  works: [
    {
      work: "cell full/none/pgd@linf-0.1",
      kind: "cell",
      start: start + 0.125,
      end: start + 1500,
      failure: null,
    },
    {
      work: "examples full/none/square@linf-0.2",
      kind: "examples",
      start,
      end: start + 10,
      failure: "a logit is not a number",
    },
  ],
};

const spansOf = (document: unknown) =>
  request.parse(document).resourceSpans[0]!.scopeSpans[0]!.spans;
const read = (results: Results, kept: Kept) =>
  spansOf(JSON.parse(otlp.render(results, kept) as string));
const attributeOf = (one: z.infer<typeof span>, key: string) =>
  Object.values(one.attributes.find((a) => a.key === key)?.value ?? {})[0];

test("a span for each work that was watched, below that of the run", () => {
  const [root, cell, broken] = read(exampleResults(), watched);
  expect(attributeOf(root!, "assay.verdict")).toBe("failed");
  expect(
    attributeOf(root!, "assay.robust_accuracy.full.none.linf-0.1.trusted"),
  ).toBe(false);
  expect(Number(root!.endTimeUnixNano) - Number(root!.startTimeUnixNano)).toBe(
    83e9,
  );
  expect(cell?.parentSpanId).toBe(root?.spanId);
  expect(cell?.startTimeUnixNano).toBe(`${start}125000`);
  expect(cell?.endTimeUnixNano).toBe(`${start + 1500}000000`);
  expect(attributeOf(cell!, "assay.trusted")).toBe(false);
  const [value, low, high] = ["", ".low", ".high"].map((end) =>
    Number(attributeOf(cell!, `assay.robust_accuracy${end}`)),
  );
  expect(low).toBeLessThan(value!);
  expect(high).toBeGreaterThan(value!);
  expect(broken?.status).toEqual({
    code: 2,
    message: "a logit is not a number",
  });
});

test("works that nobody watched have no times, and so no spans", () => {
  expect(read(exampleResults(), nothing)).toHaveLength(1);
});

test("is sent to a collector, at its usual path unless another is named", async () => {
  const seen: Seen[] = [];
  const answer = (one: Seen) => {
    seen.push(one);
    return [200, {}] as const;
  };
  await withServer(answer, async (address) => {
    await otlp.send!(exampleResults(), watched, address);
    await otlp.send!(exampleResults(), watched, `${address}/other`);
  });
  expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /v1/traces",
    "POST /other",
  ]);
  expect(seen[0]?.headers["content-type"]).toBe("application/json");
  expect(spansOf(seen[0]?.body)).toHaveLength(3);
  await withServer(
    () => [503, { message: "full" }],
    (address) =>
      expect(otlp.send!(exampleResults(), watched, address)).rejects.toThrow(
        /answered 503: .*full/,
      ),
  );
});

test("names from outside stay names", () => {
  fc.assert(
    fc.property(names, (name) => {
      const [root] = read(resultsNamed(name), watched);
      const sound = name.replace(/\p{Cs}/gu, "\ufffd");
      expect(root!.attributes.map(({ key }) => key)).toContain(
        `assay.robust_accuracy.${sound}.none.linf-0.1`,
      );
    }),
    { numRuns: 30 },
  );
});
