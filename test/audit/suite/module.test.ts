import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSuite } from "#audit";
import { hashOf, Random, sha256 } from "#core";
import { onnxruntime } from "#engine";
import { layerGroups } from "#model";
import { tune } from "#tuning";
import { describe as described } from "../../../src/audit/suite/described.ts";
import { defineSuite } from "../../../src/index.ts";
import { temporaryFolder } from "../../folder.ts";
import { settings, smallDigits, untrained } from "../../reference.ts";
import { settingsOf } from "../settings.ts";

const folder = temporaryFolder();

let files = 0;
function written(schedule: string, rest = "", before = ""): string {
  const file = join(folder, `suite${files++}.mjs`);
  writeFileSync(
    file,
    `${before}
export const suite = {
  version: 1,
  title: "digits",
  data: { source: "digits" },
  base: { classes: ["0", "1"], pretrain: { architecture: "small-cnn", schedule: () => 1 } },
  candidates: {
    timed: { strategy: "full", seeds: 2, schedule: ${schedule} },
    many: { strategy: "full", tasks: ["main", "ink"], schedule: ${schedule} },
    named: { strategy: "full", schedule: "cosine" },
  },
  tasks: { ink: { relabel: { above: 0.5 }, task: { kind: "regression", tolerance: 0.1 } } },
  threatModels: { small: { norm: "linf", eps: 0.1 } },
  attacks: { fgsm: "fgsm" },
  ${rest}
};
`,
  );
  return file;
}

test("a module gives a suite whose schedules may be functions", async () => {
  const file = written("(step, total) => 1 - step / total");
  const { suite, hash } = await loadSuite(file);
  expect(Object.keys(suite.candidates)).toEqual([
    "timed.1",
    "timed.2",
    "many.main",
    "many.ink",
    "named",
  ]);
  for (const id of Object.keys(suite.candidates)) {
    const { schedule } = settingsOf(suite, id);
    expect(schedule.unit.id).toBe(id === "named" ? "cosine" : "function");
    if (id !== "named")
      expect(schedule.params.source).toBe("(step, total) => 1 - step / total");
  }
  expect(suite.base?.pretrain?.schedule.unit.id).toBe("function");
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(hash).not.toBe(sha256(""));

  const { schedule } = settingsOf(suite, "timed.1");
  const model = untrained();
  const groups = layerGroups(model.graph);
  const rates = new Map(groups.map((g) => [g.name, 1]));
  const { history } = await tune({
    model,
    ...(await smallDigits()),
    groups,
    stages: [{ epochs: 2, rates }],
    settings: { ...settings({ learningRate: 0.01 }), schedule },
    engine: onnxruntime,
    random: new Random(1),
  });
  // 180 samples in batches of 32: six steps an epoch.
  expect(history.map((e) => e.learningRate)).toEqual([
    0.01 * (1 - 5 / 12),
    0.01 * (1 - 11 / 12),
  ]);
});

test("what a function is known by changes with its source and with what it speaks of", async () => {
  const hash = async (file: string) => {
    const { suite } = await loadSuite(file);
    const { schedule } = settingsOf(suite, "timed.1");
    return hashOf(described(schedule));
  };
  const source = "(step) => (step < warm ? 0.5 : 1)";
  const ten = await hash(written(source, "", "const warm = 10;"));
  expect(await hash(written(source, "", "const warm = 10;"))).toBe(ten);
  expect(await hash(written(source, "", "const warm = 20;"))).not.toBe(ten);
  expect(await hash(written("() => 1"))).not.toBe(ten);
});

test("a changed module is read anew", async () => {
  const file = written("() => 1");
  const before = await loadSuite(file);
  writeFileSync(file, "export const suite = { version: 1 };");
  expect(before.suite.title).toBe("digits");
  await expect(loadSuite(file)).rejects.toThrow(/title: the key is missing/);
});

test.each([
  [written("() => -1"), "SCHEDULE_FACTOR", /gives -1 at step 0/],
  [written("() => NaN"), "SCHEDULE_FACTOR", /gives NaN/],
  [written('"cosin"'), "SUITE_INVALID", /did you mean "cosine"/],
  [
    written("() => 1", "sampels: 3,"),
    "SUITE_INVALID",
    /mjs: sampels: found an unknown key.*did you mean "samples"/,
  ],
  [written("() => 1", "", "export const x = ;"), "SUITE_MODULE", /cannot be/],
])("%s is refused: %s", async (file, code, message) => {
  await expect(loadSuite(file)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test("a module without a suite is refused", async () => {
  const file = join(folder, "none.mjs");
  writeFileSync(file, "export const other = 1;");
  await expect(loadSuite(file)).rejects.toThrow(/exports no suite/);
});

test("defineSuite types what is written, functions too", () => {
  const suite = defineSuite({
    version: 1,
    title: "typed",
    data: { source: "digits" },
    candidates: {
      // No annotations: parameters have their types from the suite's.
      own: { strategy: "full", schedule: (step, total) => 1 - step / total },
      named: { strategy: "full", schedule: { id: "step", gamma: 0.5 } },
    },
    threatModels: { small: { norm: "linf", eps: 0.1 } },
    attacks: { fgsm: "fgsm" },
  });
  const { schedule } = suite.candidates.own ?? {};
  expect(typeof schedule === "function" && schedule(1, 4)).toBe(0.75);
  // @ts-expect-error a schedule gives a number
  defineSuite({ ...suite, candidates: { wrong: { schedule: () => "1" } } });
});
