import { expect, test } from "vitest";
import { type NamedFile, reporters } from "#reports";
import { kept } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const results = exampleResults();

test("reporters have names and files of their own", () => {
  for (const key of ["id", "file", "title"] as const)
    expect(new Set(reporters.map((one) => one[key])).size).toBe(
      reporters.length,
    );
});

test.each(reporters)(
  "$id says the verdict, what is not trusted, and what is missing",
  async (reporter) => {
    const content = await reporter.render(results, kept);
    const parts: unknown[] = [];
    if (typeof content === "string" || content instanceof Uint8Array)
      parts.push(content);
    else
      for await (const file of content as AsyncIterable<NamedFile>)
        parts.push(file.name, file.content);
    const text = parts.map((part) => Buffer.from(part as string)).join("\n");
    expect(text).toMatch(/failed/i);
    expect(text).toMatch(/trusted/);
    expect(text).toMatch(/missing|without 2 attacks/i);
  },
);
