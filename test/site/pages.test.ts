import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { catalog } from "#audit";
import { errorPlaces, packagePath, placesIn } from "#core";
import { generatedPages } from "../../site/index.ts";
import { kinds } from "../../site/units.ts";
import { suiteSchema } from "../../src/audit/suite/schema.ts";

const { pages, groups } = generatedPages();

describe("pages of units", () => {
  test("every unit that a suite can name has one, and nothing else", () => {
    const named = kinds.flatMap((kind) =>
      (catalog[kind.id]?.() ?? []).map(({ id }) => `units/${kind.id}/${id}`),
    );
    const made = [...pages.keys()].filter(
      (name) => name.startsWith("units/") && !name.endsWith("/index"),
    );
    expect(made).toEqual(named);
    const others = ["suites", "presets", "checks", "sources"];
    expect(new Set(Object.keys(catalog))).toEqual(
      new Set([...kinds.map(({ id }) => id), ...others]),
    );
  });

  test("each has its docstring", () => {
    const without = [...pages].filter(
      ([name, text]) =>
        /^units\/.*\/(?!index)/.test(name) && !text.includes("## In detail\n"),
    );
    expect(without.map(([name]) => name)).toEqual([]);
  });

  test.each(kinds.filter(({ example }) => example !== null))(
    "each of $id is named as a suite can name it",
    ({ id, example }) => {
      for (const entry of catalog[id]?.() ?? []) {
        const part = parse(example?.(entry) ?? "");
        const suite = {
          version: 1,
          title: "x",
          data: { source: "digits" },
          candidates: { one: { strategy: "full" } },
          threatModels: {},
          attacks: {},
          ...part,
          base: { model: "x.onnx", ...part.base },
        };
        if (part.base?.pretrain) Reflect.deleteProperty(suite.base, "model");
        const { error } = suiteSchema.safeParse(suite);
        expect([entry.id, error?.message]).toEqual([entry.id, undefined]);
      }
    },
  );

  test("the groups beside them lead to pages", () => {
    for (const { link, items } of groups) {
      expect(pages.has(`${link.slice(1)}index`)).toBe(true);
      for (const item of items)
        expect(pages.has(item.link.slice(1))).toBe(true);
    }
  });

  test("what VitePress would run stands nowhere in them", () => {
    for (const [name, text] of pages) {
      const prose = text.replace(/```[\s\S]*?```|`[^`\n]*`/g, "");
      expect([name, /\{\{|<[a-z/]/i.exec(prose)]).toEqual([name, null]);
    }
  });
});

describe("error codes", () => {
  /** What looks like a code in the source, and is something else. */
  const others =
    /^(ASSAY_|ERR_|AWS_|CSV_RECORD|Z_BUF_ERROR|SAME_UPPER|SAME_LOWER|MULTIPLE_DOCS|RESOURCE_DOES_NOT_EXIST)/;

  test("every one in the source has its place on the page", () => {
    const seen = ["src", "attacks", "defenses", "reports"].flatMap((folder) =>
      readdirSync(packagePath(folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
        .flatMap((name) =>
          Array.from(
            readFileSync(join(packagePath(folder), name), "utf8").matchAll(
              /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g,
            ),
            ([, code = ""]) => code,
          ),
        ),
    );
    const page = pages.get("error-codes") ?? "";
    const missing = [...new Set(seen)].filter(
      (code) => !others.test(code) && !page.includes(`\n## ${code}\n`),
    );
    expect(missing).toEqual([]);
  });

  test("each says at least once what to do", () => {
    const all = errorPlaces();
    const codes = [...new Set(all.map(({ code }) => code))];
    const silent = codes.filter(
      (code) => !all.some((place) => place.code === code && place.hint),
    );
    // What to do there is made of what was found.
    expect(silent.sort()).toEqual([
      "EXPAND_UNSUPPORTED",
      "INIT_PLAN",
      "INPUT_LABEL",
      "NEED_FAILED",
      "NEED_NOT_MET",
      "NOT_COMPARED",
    ]);
  });

  test("arguments are read whatever stands in their texts", () => {
    const source = `
      throw new UsageError(
        n > 0 ? "ONE_CODE" : "OTHER_CODE",
        \`has "\${names.join(", ")}", a (b) and {c}\`,
        "Say \\"yes\\", or no.",
        { cause },
      );`;
    const told = {
      usage: true,
      message: 'has "...", a (b) and {c}',
      hint: 'Say "yes", or no.',
    };
    expect(placesIn(source)).toEqual([
      { code: "ONE_CODE", ...told },
      { code: "OTHER_CODE", ...told },
    ]);
  });
});
