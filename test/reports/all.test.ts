import { expect, test } from "vitest";
import { type NamedFile, type Reporter, reporters } from "#reports";
import { nothing } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const results = exampleResults();
const rows = { dims: [50, 2], data: new Float32Array(100) };
const kept = {
  ...nothing,
  examplesOf: async () => ({
    clean: rows,
    attacked: rows,
    columns: null,
    labels: Array<string>(50).fill("a"),
  }),
};

/** All that a reporter writes, as bytes. */
async function bytesOf(reporter: Reporter, found = results): Promise<Buffer> {
  const content = await reporter.render(found, kept);
  if (typeof content === "string" || content instanceof Uint8Array)
    return Buffer.from(content as string);
  const parts: Buffer[] = [];
  for await (const {
    name,
    content: one,
  } of content as AsyncIterable<NamedFile>)
    parts.push(Buffer.from(name), Buffer.from(one as string));
  return Buffer.concat(parts);
}

test("reporters have names and files of their own", () => {
  for (const key of ["id", "file", "title"] as const)
    expect(new Set(reporters.map((one) => one[key])).size).toBe(
      reporters.length,
    );
});

test.each(reporters)(
  "$id says what it is, and writes the same bytes again",
  async (reporter) => {
    expect(reporter.id).toMatch(/^[a-z][a-z-]*$/);
    expect(reporter.summary?.length).toBeGreaterThan(20);
    expect(reporter.reference).not.toBe("");
    const bytes = await bytesOf(reporter);
    expect(bytes.equals(await bytesOf(reporter, exampleResults()))).toBe(true);
  },
);

test.each(reporters)(
  "$id says the verdict, what is not trusted, and that something is missing",
  async (reporter) => {
    const text = (await bytesOf(reporter)).toString();
    expect(text).toMatch(/failed/i);
    expect(text).toMatch(/trusted/);
    expect(text).toMatch(/missing|without 2 attacks/i);
  },
);
