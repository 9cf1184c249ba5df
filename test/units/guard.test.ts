import { expect, test } from "vitest";
import { attacks } from "#attacks";
import { openRun } from "#audit";
import { detectors, repairs, sanitizers, trainingDefenses } from "#defenses";
import { schedules, strategies } from "#tuning";
import type { Kind, UnitOf } from "#units";
import { lawsOf } from "../../src/conformance/index.ts";
import { guarded } from "../../src/units/guard.ts";
import { marked } from "../../src/units/mark.ts";
import { put, temporaryFolder } from "../folder.ts";

const module = { name: "./ours.mjs", hash: "00" };

/** One of our units as if it came from outside. */
function fromOutside<K extends Kind>(
  kind: K,
  units: readonly (UnitOf<K> & { readonly id: string })[],
  id: string,
) {
  const unit = units.find((one) => one.id === id)!;
  return marked(kind, guarded(kind, id, unit, module));
}

const kept: [string, object, Record<string, unknown>][] = [
  ["pgd", fromOutside("attack", attacks, "pgd"), { steps: 5 }],
  ["median", fromOutside("sanitizer", sanitizers, "median"), { size: 3 }],
  ["energy", fromOutside("detector", detectors, "energy"), {}],
  ["sam", fromOutside("training defence", trainingDefenses, "sam"), {}],
  ["lora", fromOutside("strategy", strategies, "lora"), {}],
  ["cosine", fromOutside("schedule", schedules, "cosine"), {}],
  [
    "label-sanitisation",
    fromOutside("repair", repairs, "label-sanitisation"),
    {},
  ],
];

test.each(kept)(
  "%s keeps its laws when it comes from outside",
  async (_id, unit, params) => {
    const laws = lawsOf(unit, { params });
    expect(laws.length).toBeGreaterThan(2);
    for (const { check } of laws) await check();
  },
);

test("a run whose modules are others where its works are done is refused", async () => {
  const folder = temporaryFolder();
  put(
    folder,
    "mine.mjs",
    `export const units = [{ [Symbol.for("assay.unit")]: "reporter",
  id: "mine", title: "Mine", reference: "-", file: "mine.txt", render: () => "" }];`,
  );
  const suite = put(
    folder,
    "suite.yaml",
    `{ version: 1, title: t, use: [./mine.mjs], data: { source: digits },
  base: { pretrain: { architecture: small-cnn } },
  candidates: { full: { strategy: full } },
  threatModels: { small: { norm: linf, eps: 0.1 } }, attacks: { fgsm: fgsm } }`,
  );
  const opened = openRun({
    ...{ suite, out: `${folder}/out` },
    modules: [{ name: "./mine.mjs", hash: "another" }],
  });
  await expect(opened).rejects.toMatchObject({
    code: "RUN_APART",
    message: "use: ./mine.mjs is not the module of the run",
  });
});
