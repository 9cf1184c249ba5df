// biome-ignore-all lint/suspicious/noTemplateCurlyInString: suites write variables so.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadSuite, planSuite, presetNames, suiteText } from "#audit";
import { sha256 } from "#core";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

afterEach(() => {
  vi.unstubAllEnvs();
});

const rest = `version: 1
title: T
data: { source: digits }
base: { pretrain: { architecture: mlp } }
candidates: { full: { strategy: full, epochs: 4 } }
threatModels: { "linf-0.1": { norm: linf, eps: 0.1 } }
attacks: { pgd: { id: pgd, steps: 7, restarts: 2 } }
`;

const suite = (head: string, name = "suite.yaml") =>
  put(folder, name, head + rest);

/** What is said where a suite is refused, without the folder. */
async function refusal(file: string, set: string[] = []): Promise<string> {
  try {
    await loadSuite(file, { set });
  } catch (error) {
    return (error as Error).message.replaceAll(`${folder}/`, "");
  }
  throw new Error("the suite was taken");
}

describe("extends", () => {
  test("what is later counts more, and the suite itself most", async () => {
    put(folder, "a.yaml", "samples: 10\ngallery: 1\nseed: 1\n");
    put(folder, "shared/b.yaml", "extends: ./c.yaml\ngallery: 2\nseed: 2\n");
    put(folder, "shared/c.yaml", "engine: tfjs\nseed: 9\n");
    const { suite: read, extended } = await loadSuite(
      suite("extends: [a.yaml, ./shared/b.yaml]\nseed: 3\n"),
    );
    expect(read).toMatchObject({
      ...{ samples: 10, gallery: 2, seed: 3, engine: "tfjs" },
    });
    expect(extended.map(({ file }) => file)).toEqual(
      ["a.yaml", "shared/c.yaml", "shared/b.yaml"].map((name) =>
        join(folder, name),
      ),
    );
  });

  test("maps are merged, lists and units of another id replaced, nothing takes away", async () => {
    put(
      folder,
      "low.yaml",
      `attacks:
  pgd: { id: fgsm }
  fgsm: fgsm
  noise: noise
  square: { id: square, queries: 5 }
candidates:
  full: { patience: 3 }
gate: [{ cleanAccuracy: { min: 0.9 } }]
`,
    );
    const { suite: read } = await loadSuite(
      put(
        folder,
        "high.yaml",
        `extends: low.yaml
${rest.replace("epochs: 4", "patience: null").replace("pgd: {", "noise: null, square: { pInit: 0.1 }, fgsm: { id: fgsm }, pgd: {")}
gate: [{ cleanAccuracy: { min: 0.5 } }]
`,
      ),
    );
    const params = Object.entries(read.attacks).map(
      ([id, { unit, params }]) => [id, unit.id, params],
    );
    expect(params).toMatchObject([
      ["pgd", "pgd", { steps: 7, restarts: 2 }],
      ["fgsm", "fgsm", {}],
      ["square", "square", { queries: 5, pInit: 0.1 }],
    ]);
    expect(read.gate).toHaveLength(1);
    expect(JSON.stringify(read.gate)).toContain("0.5");
    expect(read.candidates.full).toMatchObject({
      settings: { patience: null },
    });
  });

  test("every preset is one that a suite can run", async () => {
    expect(presetNames().length).toBeGreaterThan(5);
    for (const name of presetNames()) {
      const loaded = await loadSuite(
        put(
          folder,
          "preset.yaml",
          `extends: ${name}
version: 1
title: T
data: ${
            name.includes("text")
              ? "{ source: text, path: t.tsv, tokenizer: v.txt, length: 14 }"
              : name.includes("tabular")
                ? "{ source: loans }"
                : "{ source: digits }"
          }
base: { model: base.onnx, classes: [a, b] }
unrelated: { model: other.onnx }
candidates: { full: { strategy: full } }
`,
        ),
      );
      expect(planSuite(loaded).cells.length, name).toBeGreaterThan(0);
    }
  });

  test.each([
    ["low.yaml", "samples: x", "low.yaml:1:10: samples: found"],
    ["low.yaml", "samplse: 1", "low.yaml:1:1: samplse: found an unknown key"],
    [
      "low.yaml",
      "attacks: { pgd: { id: pgd, epsilon: 1 } }",
      "low.yaml:1:28: attacks.pgd.epsilon: found an unknown key",
    ],
    [
      "low.yaml",
      "candidates: { other: { epochs: 1 } }",
      "low.yaml:1:22: candidates.other",
    ],
    ["low.yaml", "a: [", "low.yaml:1:5: "],
    ["low.yaml", "extends: suite.yaml", 'low.yaml:1:10: extends: found "suite'],
    ["low.yaml", "extends: low.yaml", "low.yaml:1:10: extends: found"],
    ["other.yaml", "", 'suite.yaml:1:10: extends: found "low.yaml"'],
    ["low.yaml", "extends: [3]", "low.yaml:1:11: extends[0]: found 3"],
  ])(
    "a fault is shown where it was made: %s: %s",
    async (name, text, message) => {
      const own = temporaryFolderOf(text);
      put(own, name, text);
      const file = put(own, "suite.yaml", `extends: low.yaml\n${rest}`);
      const said = await refusal(file);
      expect(said.replaceAll(`${own}/`, "")).toContain(message);
    },
  );

  test.each([
    ["assay:quik", 'did you mean "assay:quick"?'],
    ["assay:../quick", "expected one of assay:"],
    ["./code.mjs", "runs no code"],
  ])("%s is refused", async (name, message) => {
    put(folder, "code.mjs", "throw new Error('it ran');");
    expect(await refusal(suite(`extends: ["${name}"]\n`))).toMatch(
      /^suite\.yaml:1:11: extends\[0\]: found/,
    );
    expect(await refusal(suite(`extends: ["${name}"]\n`))).toContain(message);
  });

  test("files that name each other ever more often are refused", async () => {
    for (let i = 0; i < 20; i++)
      put(
        folder,
        `deep${i}.yaml`,
        `extends: [deep${i + 1}.yaml, deep${i + 1}.yaml]`,
      );
    put(folder, "deep20.yaml", "samples: 3");
    expect(await refusal(suite("extends: deep0.yaml\n"))).toContain(
      "found more than 50 files",
    );
  });

  test("the hash of a suite is that of all that it says", async () => {
    const alone = suite("");
    expect((await loadSuite(alone)).hash).toBe(sha256(rest));
    put(folder, "part.yaml", "samples: 5\n");
    const file = suite("extends: part.yaml\n");
    const before = (await loadSuite(file)).hash;
    put(folder, "part.yaml", "samples: 6\n");
    expect((await loadSuite(file)).hash).not.toBe(before);
    put(folder, "part.yaml", "samples: 5\n");
    expect((await loadSuite(file)).hash).toBe(before);
    const { hash } = await loadSuite(file, { set: ["samples=5"] });
    expect(hash).not.toBe(before);
  });

  let folders = 0;
  /** A folder of its own, since files of one case would be there in another. */
  function temporaryFolderOf(_: string): string {
    const own = join(folder, `own${folders++}`);
    mkdirSync(own);
    return own;
  }
});

describe("--set", () => {
  test("says what the suite could have said", async () => {
    const file = suite("");
    const set = [
      "candidates.full.epochs=3",
      `threatModels."linf-0.1".eps=8/255`,
      "attacks.pgd={ steps: 9 }",
      "candidates.full.strategy.epochsPerStage=2",
      "candidates.full.strategy.id=gradual-unfreezing",
      "gallery=0",
    ];
    // Its parameters come after the unit that has them.
    set.push(...set.splice(3, 1));
    const { suite: read } = await loadSuite(file, { set });
    expect(read).toMatchObject({
      gallery: 0,
      attacks: { pgd: { params: { steps: 9, restarts: 2 } } },
      threatModels: { "linf-0.1": { eps: 8 / 255 } },
      candidates: {
        full: {
          settings: { epochs: 3 },
          strategy: { params: { epochsPerStage: 2 } },
        },
      },
    });
  });

  test("reaches into lists, and takes away", async () => {
    const file = suite(
      "gate: [{ cleanAccuracy: { min: 0.1 } }, { cleanAccuracy: { min: 0.2 } }]\ngallery: 1\n",
    );
    const { suite: read } = await loadSuite(file, {
      set: ["gate[1].cleanAccuracy.min=0.7", "gallery=null"],
    });
    expect(JSON.stringify(read.gate)).toMatch(/0\.1.*0\.7/);
    expect(read.gallery).toBe(3);
  });

  test.each([
    [
      "candidates.ful.epochs=3",
      /found "ful" at candidates.*did you mean "full"/,
    ],
    ["sampels=3", /found "sampels" at top level.*did you mean "samples"/],
    ["candidates.full.epoch=3", /did you mean "epochs"/],
    ["threatModels.linf-0.1.eps=3", /did you mean "linf-0.1"/],
    ["candidates.full.epochs=0", /^--set .*: candidates.full.epochs: found 0/],
    ["candidates.full.epochs=[1", /^--set .*:1:\d+: /],
    ["candidates.full.epochs", /expected a path, = and a value/],
    ["=3", /expected a path/],
    ["__proto__.x=3", /found "__proto__"/],
    ["title.x=3", /what is before it has no parts/],
  ])("%s is refused", async (set, message) => {
    expect(await refusal(suite(""), [set])).toMatch(message);
  });

  test("is not for modules", async () => {
    const file = put(folder, "m.mjs", "export const suite = {}");
    expect(await refusal(file, ["samples=3"])).toMatch(/is a module/);
  });
});

describe("variables of the environment", () => {
  test("stand in values, as text or as what belongs there", async () => {
    vi.stubEnv("ASSAY_N", "12");
    vi.stubEnv("ASSAY_EMPTY", "");
    const { suite: read, variables } = await loadSuite(
      put(
        folder,
        "env.yaml",
        rest
          .replace("title: T", `title: "\${ASSAY_N} of \${ASSAY_M:-one, two}"`)
          .replace("epochs: 4", `epochs: "\${ASSAY_N}"`)
          .replace("eps: 0.1 }", `eps: "\${ASSAY_EMPTY:-8/255}" }`)
          .concat(`samples: \${ASSAY_N}\nclasses: ["\${ASSAY_N}", "$\${x}"]\n`),
      ),
    );
    expect(read).toMatchObject({
      title: "12 of one, two",
      samples: 12,
      classes: ["12", "${x}"],
      threatModels: { "linf-0.1": { eps: 8 / 255 } },
      candidates: { full: { settings: { epochs: 12 } } },
    });
    expect(variables.toSorted()).toEqual(["ASSAY_EMPTY", "ASSAY_M", "ASSAY_N"]);
  });

  test("are part of what the suite is", async () => {
    const file = suite("samples: ${ASSAY_N:-3}\n");
    const hash = async () => (await loadSuite(file)).hash;
    const before = await hash();
    vi.stubEnv("ASSAY_N", "4");
    expect(await hash()).not.toBe(before);
  });

  test.each([
    [
      "${ASSAY_NOT_SET}",
      /^suite\.yaml:1:10: samples: found the variable ASSAY_NOT_SET, which is not set/,
    ],
    ["${}", /found \$\{ without a variable/],
    ["${GITHUB_TOKEN:-3}", /most likely secret, GITHUB_TOKEN/],
    ["${constructor}", /constructor, which is not set/],
  ])("%s is refused", async (value, message) => {
    expect(await refusal(suite(`samples: ${value}\n`))).toMatch(message);
  });

  test("are not shown where they are wrong, nor looked for in keys", async () => {
    vi.stubEnv("ASSAY_N", "hidden-value");
    const said = await refusal(
      suite('samples: "${ASSAY_N}"\n"${ASSAY_N}": 1\n'),
    );
    expect(said).toContain(
      "found what ${ASSAY_N} gives, expected a whole number",
    );
    expect(said).toContain('["${ASSAY_N}"]: found an unknown key');
    expect(said).not.toContain("hidden-value");
  });

  test("cannot bring a structure with them", async () => {
    vi.stubEnv("ASSAY_N", "x\nsamples: 3\nuse: [./evil.mjs]");
    const file = put(
      folder,
      "one.yaml",
      rest.replace("title: T", "title: ${ASSAY_N}"),
    );
    const { suite: one } = await loadSuite(file);
    expect(one.use).toEqual([]);
    expect(one.title).toBe("x\nsamples: 3\nuse: [./evil.mjs]");
  });
});

test("the printed suite says the same by itself", async () => {
  vi.stubEnv("ASSAY_N", "5");
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        title: fc.string({ minLength: 1, unit: "binary" }),
        epochs: fc.integer({ min: 1, max: 99 }),
        name: fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/),
      }),
      async ({ title, epochs, name }) => {
        put(
          folder,
          "below.yaml",
          'samples: "${ASSAY_N}"\nattacks: { fgsm: fgsm }\n',
        );
        const own = JSON.stringify({
          extends: "assay:quick",
          version: 1,
          title: title.replaceAll("${", "$${"),
          data: { source: "digits" },
          candidates: { [name]: { model: "m.onnx" } },
        });
        const file = put(
          folder,
          "whole.yaml",
          own.replace('"assay:quick"', '["assay:quick","below.yaml"]'),
        );
        const set = [`gallery=${epochs}`];
        const whole = await loadSuite(file, { set });
        const again = await loadSuite(
          put(folder, "again.yaml", suiteText(whole)),
        );
        expect(again.suite).toEqual(whole.suite);
        expect(suiteText(again)).toBe(suiteText(whole));
        expect(whole.suite).toMatchObject({
          title,
          gallery: epochs,
          samples: 5,
        });
      },
    ),
    { numRuns: 15 },
  );
});
