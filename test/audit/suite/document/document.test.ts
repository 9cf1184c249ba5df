import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { choiceOf, numberOrFraction, UsageError } from "#core";
import { parseDocument } from "../../../../src/audit/suite/document/parse.ts";

const schema = z.strictObject({
  title: z.string().min(1),
  seed: z.int().min(0).default(0),
  eps: numberOrFraction.pipe(z.number().positive()).optional(),
  norm: z.enum(["linf", "l2"]).optional(),
  attacks: z
    .array(
      z.discriminatedUnion("id", [
        z.strictObject({ id: z.literal("pgd"), steps: z.int().positive() }),
        z.strictObject({ id: z.literal("fgsm") }),
      ]),
    )
    .min(1)
    .optional(),
  base: z
    .union([
      z.strictObject({
        file: z.string(),
        classes: z.array(z.string()).optional(),
      }),
      z.strictObject({ pretrain: z.strictObject({ epochs: z.int() }) }),
      z.enum(["builtin", "none"]),
    ])
    .optional(),
  flags: z.record(z.string().regex(/^[a-z]+$/), z.boolean()).optional(),
  only: z
    .strictObject({ a: z.int().optional(), b: z.int().optional() })
    .refine((map) => Object.keys(map).length === 1, {
      error: "found none or both, expected a or b",
    })
    .optional(),
});

function problems(text: string, file = "suite.yaml"): string[] {
  try {
    parseDocument(text, file, schema);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toHaveProperty("code", "SUITE_INVALID");
    return (error as UsageError).message.split("\n");
  }
  throw new Error("the document was taken");
}

describe("a valid document", () => {
  it("is read from YAML and from JSON alike", () => {
    const value = { title: "x", seed: 3, attacks: [{ id: "fgsm" }] };
    const yaml = "title: x\nseed: 3\nattacks:\n  - id: fgsm\n";
    expect(parseDocument(yaml, "a.yaml", schema)).toEqual(value);
    const json = JSON.stringify(value, null, "\t");
    expect(parseDocument(json, "a.json", schema)).toEqual(value);
    const windows = `\uFEFF${yaml.replaceAll("\n", "\r\n")}`;
    expect(parseDocument(windows, "a.yaml", schema)).toEqual(value);
  });

  it("may use anchors", () => {
    const text =
      "title: x\nattacks:\n  - &a {id: pgd, steps: 3}\n  - *a\n  - *a\n";
    expect(parseDocument(text, "a.yaml", schema).attacks).toHaveLength(3);
  });

  it("may hold fractions, which are exact", () => {
    const text = (eps: string) => `title: x\neps: ${eps}\n`;
    expect(parseDocument(text("8/255"), "a", schema).eps).toBe(8 / 255);
    expect(parseDocument(text("0.3"), "a", schema).eps).toBe(0.3);
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1 }), (a, b) => {
        expect(numberOrFraction.parse(`${a} / ${b}`)).toBe(a / b);
      }),
    );
  });
});

describe("what is not a document", () => {
  it.each([
    ["", "suite.yaml:1:1: top level: found nothing, expected a map"],
    ["[1]", "suite.yaml:1:1: top level: found a list of 1, expected a map"],
    [
      "title: x\nattacks:\n  - id: fgsm\n    id: fgsm\n",
      "suite.yaml:4:5: attacks[0].id: found the key a second time, expected each key once",
    ],
    [
      '{"title": "x", "title": "y"}',
      "suite.yaml:1:16: title: found the key a second time, expected each key once",
    ],
    [
      "title: &abc x\nnorm: *abd\n",
      'suite.yaml:2:7: norm: found the alias *abd, expected an anchor of that name before it; did you mean "abc"?',
    ],
    [
      "title: &a [*a]\n",
      "suite.yaml:1:12: title[0]: found the alias *a inside what it stands for, expected it outside",
    ],
    [
      "title: x\n---\ntitle: y\n",
      "suite.yaml:2:1: top level: found a second document after ---, expected one document",
    ],
  ])("%j", (text, message) => {
    expect(problems(text)).toEqual([message]);
  });

  it.each([
    ["title:\n\tseed: 1", /^suite.yaml:2:1: title: .*Tabs/],
    ["title: [1, 2\nseed: 1", /^suite.yaml:2:1: .*Flow sequence/],
    ["title: !python x", /^suite.yaml:1:8: title: .*Unresolved tag/],
  ])("%j", (text, message) => {
    expect(problems(text)[0]).toMatch(message);
  });

  it.each([["[ "], ["{a: "], ["- "], ["? "]])("%j without end", (opening) => {
    expect(problems(opening.repeat(5000))).toEqual([
      "suite.yaml:1:1: top level: found lists and maps nested too deep, expected at most 100 levels",
    ]);
  });

  it.each([["{"], ["[{"], ["{[{ "], ["? {"], ["{? "], ["{{a: "]])(
    "40 levels of %j as keys are refused at once",
    (opening) => {
      expect(problems(`${opening.repeat(40)}\n`)[0]).toMatch(/^suite.yaml:\d/);
      expect(
        problems(`seed: 1\nflags: ${opening.repeat(30)}\ntitle: x`)[0],
      ).toMatch(/^suite.yaml:2:/);
    },
  );

  it("thousands of keys and of errors are refused at once", () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}: 1`);
    expect(problems(keys.join("\n")).at(-1)).toMatch(/^and \d+ more$/);
    expect(problems("a: b: c\n".repeat(2000)).at(-1)).toMatch(/^and/);
    expect(problems("a: 1\n".repeat(2000)).at(-1)).toMatch(/^and/);
  });

  it("refuses more than a person writes", () => {
    expect(problems(`title: ${"x".repeat(2 ** 18)}`)).toEqual([
      "suite.yaml:1:1: top level: found 262151 characters, expected at most 262144 of a document that a person wrote",
    ]);
  });

  it("refuses aliases that multiply", () => {
    let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (let i = 1; i < 10; i++) {
      text += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(",")}]\n`;
    }
    expect(problems(text)[0]).toMatch(/found aliases that multiply/);
  });
});

describe("what does not fit the schema", () => {
  it.each([
    [
      "a misspelt key, once",
      "titel: x",
      'suite.yaml:1:1: titel: found an unknown key, expected one of title, seed, eps, norm, attacks, base, flags, only; did you mean "title"?',
    ],
    [
      "a missing key, at its map",
      "seed: 1",
      "suite.yaml:1:1: title: the key is missing, expected text",
    ],
    [
      "a key without its value",
      "title:\nseed: 1",
      "suite.yaml:1:1: title: found nothing, expected text",
    ],
    [
      "a misspelt name",
      "title: x\nnorm: Linf",
      'suite.yaml:2:7: norm: found "Linf", expected one of linf, l2; did you mean "linf"?',
    ],
    [
      "a quoted number",
      "title: x\nseed: '3'",
      'suite.yaml:2:7: seed: found "3", expected a whole number; write it without quotes',
    ],
    [
      "a broken number",
      "title: x\nseed: 1.5",
      "suite.yaml:2:7: seed: found 1.5, expected a whole number",
    ],
    [
      "an infinite number",
      "title: x\nseed: .inf",
      "suite.yaml:2:7: seed: found Infinity, expected a finite number",
    ],
    [
      "a number out of range",
      "title: x\nseed: -1",
      "suite.yaml:2:7: seed: found -1, expected at least 0",
    ],
    [
      "an empty list",
      "title: x\nattacks: []",
      "suite.yaml:2:10: attacks: found a list of 0, expected a list of at least 1 item",
    ],
    [
      "text that is no fraction",
      "title: x\neps: 8/0",
      'suite.yaml:2:6: eps: found "8/0", expected a number or a fraction such as 8/255',
    ],
    [
      "a fraction out of range",
      "title: x\neps: 0/255",
      'suite.yaml:2:6: eps: found "0/255", expected more than 0',
    ],
    [
      "a bad tag",
      "title: x\nattacks:\n  - id: pdg\n    steps: 3\n",
      'suite.yaml:3:9: attacks[0].id: found "pdg", expected one of pgd, fgsm; did you mean "pgd"?',
    ],
    [
      "a missing tag",
      "title: x\nattacks:\n  - steps: 3\n",
      "suite.yaml:3:5: attacks[0].id: the key is missing, expected one of pgd, fgsm",
    ],
    [
      "a key of the tagged option",
      "title: x\nattacks:\n  - id: pgd\n    step: 3\n",
      'suite.yaml:4:5: attacks[0].step: found an unknown key, expected one of id, steps; did you mean "steps"?',
    ],
    [
      "a slip in the first option of a union",
      "title: x\nbase: {fil: a.onnx}",
      'suite.yaml:2:8: base.fil: found an unknown key, expected one of file, classes; did you mean "file"?',
    ],
    [
      "a slip deep in the second option",
      "title: x\nbase:\n  pretrain:\n    epochs: ten\n",
      'suite.yaml:4:13: base.pretrain.epochs: found "ten", expected a whole number',
    ],
    [
      "a name among the options",
      "title: x\nbase: buildin",
      'suite.yaml:2:7: base: found "buildin", expected one of builtin, none; did you mean "builtin"?',
    ],
    [
      "what is none of the options",
      "title: x\nbase: 3",
      "suite.yaml:2:7: base: found 3, expected a map or one of builtin, none",
    ],
    [
      "a key that a record forbids",
      "title: x\nflags: {a: true, B: true}",
      "suite.yaml:2:18: flags.B: found this key; expected text that matches /^[a-z]+$/",
    ],
    [
      "a refinement",
      "title: x\nonly: {a: 1, b: 2}",
      "suite.yaml:2:7: only: found none or both, expected a or b",
    ],
    [
      "an unknown key rather than the refinement that it fails",
      "title: x\nonly: {aa: 1}",
      'suite.yaml:2:8: only.aa: found an unknown key, expected one of a, b; did you mean "a"?',
    ],
    [
      "a key that is not one",
      "title: x\n__proto__: {seed: 1}",
      "suite.yaml:2:1: __proto__: found an unknown key, expected one of title, seed, eps, norm, attacks, base, flags, only",
    ],
    [
      "the value behind an alias",
      "title: &t {a: 1}\nbase: {file: *t}",
      "suite.yaml:1:11: title: found a map, expected text",
    ],
  ])("%s", (_, text, message) => {
    expect(problems(text)[0]).toBe(message);
  });

  it("names the file and place in JSON too", () => {
    expect(problems('{\n\t"title": 3\n}', "a.json")).toEqual([
      "a.json:2:11: title: found 3, expected text",
    ]);
  });

  it("knows the two ways to name a unit, and a schema's own words", () => {
    const unit = (id: string, params: z.ZodObject) => ({ id, params });
    const units = z.strictObject({
      attacks: z.record(
        z.string().regex(/^[a-z]+$/, "use small letters"),
        choiceOf([
          unit("pgd", z.strictObject({ steps: z.int() })),
          unit("fgsm", z.strictObject({})),
        ]),
      ),
    });
    const text = `attacks:
  a: pdg
  b: {id: fgms}
  c: {id: pgd, step: 3}
  d: 3
  E: fgsm
`;
    expect(() => parseDocument(text, "s", units)).toThrow(
      `s:2:6: attacks.a: found "pdg", expected one of pgd, fgsm; did you mean "pgd"?
s:3:11: attacks.b.id: found "fgms", expected one of pgd, fgsm; did you mean "fgsm"?
s:4:16: attacks.c.step: found an unknown key, expected one of steps, id; did you mean "steps"?
s:5:6: attacks.d: found 3, expected a map with id one of pgd, fgsm
s:6:3: attacks.E: found this key; use small letters`,
    );
    expect(() => parseDocument("attacks: {a: pgd}", "s", units)).toThrow(
      "s:1:14: attacks.a.steps: the key is missing, expected a whole number",
    );
  });

  it("names five problems in the order of the file, and counts the rest", () => {
    const attacks = Array(8).fill("  - id: x\n").join("");
    const found = problems(`seed: x\ntitle: x\nattacks:\n${attacks}`);
    expect(found).toHaveLength(6);
    expect(found[0]).toMatch(/^suite.yaml:1:7: seed/);
    expect(found[4]).toMatch(/^suite.yaml:7:9: attacks\[3\]\.id/);
    expect(found[5]).toBe("and 4 more");
  });

  it("never fails in any other way", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .array(fc.constantFrom(..."title:seedbaseatacks \n-[]{}&*!|>'\"#,x1"), {
          maxLength: 60,
        })
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (source) => {
        try {
          parseDocument(source, "a.yaml", schema);
        } catch (error) {
          expect(error).toHaveProperty("code", "SUITE_INVALID");
          expect((error as Error).message).toMatch(/^a\.yaml:\d+:\d+: /);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
