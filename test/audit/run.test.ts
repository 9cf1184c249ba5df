import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  type AuditEvent,
  loadSuite,
  planCells,
  type Results,
  runAudit,
} from "#audit";
import { saveModel } from "#model";
import { floats } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { temporaryFolder } from "../folder.ts";
import { reference } from "../reference.ts";

const folder = temporaryFolder();

/** A suite that takes about a second. */
const tiny = `
version: 1
title: tiny
seed: 3
data: { source: digits }
classes: ["5", "6", "7"]
samples: 30
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 3 }
candidates:
  head: { strategy: head-only, epochs: 3 }
  full: { strategy: full, epochs: 3 }
defenses:
  squeeze: [{ id: bit-depth, bits: 2 }]
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
  pgd: { id: pgd, steps: 5, relStepSize: 0.4 }
  public: { id: base-pgd, steps: 3 }
sweep: { norm: linf, eps: [0.1, 1/4], attack: pgd }
gate:
  - cleanAccuracy: { min: 0.1 }
`;

function suite(text: string, name = "suite.yaml"): string {
  const path = join(mkdtempSync(join(folder, "s-")), name);
  writeFileSync(path, text);
  return path;
}

const path = suite(tiny);
const fresh = () => mkdtempSync(join(folder, "out-"));

/** Everything but the times. */
function timeless(results: Results): unknown {
  return {
    ...results,
    timing: null,
    cells: results.cells.map((c) => ({ ...c, seconds: null })),
  };
}

/** The whole run, and what it told. */
const whole = {
  out: fresh(),
  events: [] as AuditEvent[],
  results: {} as Results,
};
beforeAll(async () => {
  const { out, events } = whole;
  whole.results = await runAudit({
    suite: path,
    out,
    onEvent: (e) => events.push(e),
  });
});

/** A folder with all that the whole run left. */
function copied(): string {
  const out = fresh();
  cpSync(whole.out, out, { recursive: true, preserveTimestamps: true });
  return out;
}

test("runs every cell of the plan, and the document follows its schema", async () => {
  const { events, results } = whole;
  expect(() => resultsSchema.parse(results)).not.toThrow();
  const { suite: parsed } = await loadSuite(path);
  expect(results.cells.map((c) => c.id)).toEqual(
    planCells(parsed).map((c) => c.id),
  );
  expect(results.cells.map((c) => c.id)).toEqual([
    ...["head", "full"].flatMap((c) => [
      ...["fgsm", "pgd", "public"].map((a) => `${c}/none/${a}@small`),
      `${c}/none/pgd@linf-0.25`,
      ...["fgsm+as-is", "fgsm", "pgd+as-is", "pgd", "public"].map(
        (a) => `${c}/squeeze/${a}@small`,
      ),
    ]),
  ]);
  for (const cell of results.cells) {
    expect(cell.robustAccuracy.value).toBeLessThanOrEqual(
      cell.cleanAccuracy.value,
    );
    expect(cell.outcomes).toMatch(/^[01-]{30}$/);
  }
  // The worst case counts a sample once: it is never above any attack that counts.
  for (const w of results.worstCases) {
    const counted = results.cells.filter(
      (c) =>
        c.candidate === w.candidate &&
        c.defense === w.defense &&
        c.threatModel.id === w.threatModel &&
        c.adaptive,
    );
    for (const c of counted)
      expect(w.robustAccuracy.value).toBeLessThanOrEqual(
        c.robustAccuracy.value,
      );
  }
  expect(results.gate.verdict).toBe("passed");
  expect(results.candidates.map((c) => c.lineage?.baseHash)).toEqual([
    results.base?.hash,
    results.base?.hash,
  ]);
  const ended = events.filter(
    (e) => e.kind === "work" && e.of === "cell" && e.state === "done",
  );
  expect(ended).toHaveLength(results.cells.length);
});

test("a second run computes nothing and says the same; so does a run in another folder", async () => {
  const { out, results: first } = whole;
  const stamps = () =>
    ["cells", "examples", "models"].flatMap((d) =>
      readdirSync(join(out, d)).map((f) => [
        f,
        statSync(join(out, d, f)).mtimeMs,
      ]),
    );
  const before = stamps();
  const events: AuditEvent[] = [];
  const second = await runAudit({
    suite: path,
    out,
    onEvent: (e) => events.push(e),
  });
  expect(stamps()).toEqual(before);
  const states = events.flatMap((e) => (e.kind === "work" ? [e.state] : []));
  expect(new Set(states)).toEqual(new Set(["kept"]));
  expect(JSON.stringify(timeless(second))).toBe(
    JSON.stringify(timeless(first)),
  );
  const elsewhere = await runAudit({ suite: path, out: fresh() });
  expect(JSON.stringify(timeless(elsewhere))).toBe(
    JSON.stringify(timeless(first)),
  );
});

const isCell = (e: AuditEvent): e is Extract<AuditEvent, { kind: "work" }> =>
  e.kind === "work" && e.of === "cell";

test("an interrupted run goes on where it stopped, and ends the same", async () => {
  const out = fresh();
  const abort = new AbortController();
  let cells = 0;
  await expect(
    runAudit({
      suite: path,
      out,
      signal: abort.signal,
      onEvent: (e) => {
        if (isCell(e) && e.state === "done" && ++cells === 5) abort.abort();
      },
    }),
  ).rejects.toMatchObject({ code: "INTERRUPTED" });
  const states: string[] = [];
  const resumed = await runAudit({
    suite: path,
    out,
    onEvent: (e) => isCell(e) && states.push(e.state),
  });
  expect(states.filter((state) => state === "kept")).toHaveLength(5);
  expect(states).toContain("done");
  expect(JSON.stringify(timeless(resumed))).toBe(
    JSON.stringify(timeless(whole.results)),
  );
});

test("damaged files in the run's folder are computed again", async () => {
  const { results: first } = whole;
  const out = copied();
  const victims = ["cells", "examples"].map((d) =>
    join(
      out,
      d,
      readdirSync(join(out, d)).find((f) =>
        f.endsWith(d === "cells" ? ".json" : ".npy"),
      ) ?? "",
    ),
  );
  for (const file of victims) writeFileSync(file, "half a fi");
  const again = await runAudit({ suite: path, out });
  const { warnings: said = [], ...numbers } = again;
  const { warnings = [], ...same } = first;
  expect(JSON.stringify(timeless(numbers))).toBe(
    JSON.stringify(timeless(same)),
  );
  const told = said.filter((one) => !warnings.includes(one));
  for (const file of victims)
    expect(told.join()).toContain(file.slice(out.length + 1));
  expect(told).toHaveLength(2);
});

test("--only runs some cells and passes no verdict", async () => {
  const results = await runAudit({
    suite: path,
    out: fresh(),
    only: ["full/none/*@small"],
  });
  expect(results.cells.map((c) => c.id)).toEqual(
    ["fgsm", "pgd", "public"].map((a) => `full/none/${a}@small`),
  );
  expect(results.complete).toBe(false);
  expect(results.gate.verdict).toBe("none");
  await expect(
    runAudit({ suite: path, out: fresh(), only: ["nothing"] }),
  ).rejects.toMatchObject({ code: "NO_CELLS" });
});

test("a candidate that was tuned elsewhere is audited as it is, with the contract that the suite states", async () => {
  const model = await reference();
  const file = suite(
    `
version: 1
title: given
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 25
candidates:
  vendor: { model: vendor.onnx }
threatModels: { t: { norm: l2, eps: 0.5 } }
attacks: { fgsm: fgsm }
`,
  );
  saveModel(join(file, "..", "vendor.onnx"), model);
  const results = await runAudit({ suite: file, out: fresh() });
  expect(results.candidates[0]).toMatchObject({
    id: "vendor",
    origin: "given",
    lineage: null,
    file: "vendor.onnx",
  });
  expect(results.candidates[0]?.cleanAccuracy.value).toBeGreaterThan(0.9);
  expect(results.base).toBeNull();
  expect(results.gate.verdict).toBe("none");
});

test("a model with answers that are not finite gives no numbers, and a report that says so", async () => {
  const model = await reference();
  const broken = new Map(model.graph.constants);
  broken.set("head.bias", floats([5], [Number.NaN, 0, 0, 0, 0]));
  const file = suite(`
version: 1
title: broken
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 25
candidates: { bad: { model: bad.onnx } }
threatModels: { t: { norm: linf, eps: 0.1 } }
attacks: { fgsm: fgsm }
gate: [{ cleanAccuracy: { min: 0.5 } }]
`);
  saveModel(join(file, "..", "bad.onnx"), {
    ...model,
    graph: { ...model.graph, constants: broken },
  });
  const results = await runAudit({ suite: file, out: fresh() });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(results.failures).toMatchObject([
    { code: "PREFLIGHT", message: expect.stringContaining("not finite") },
  ]);
  expect([...results.candidates, ...results.cells]).toEqual([]);
  expect(results.gate).toMatchObject({
    verdict: "inconclusive",
    rules: [{ subject: "bad / none", measured: "nothing" }],
  });
  const html = await renderHtml(results);
  expect(html).toContain("What failed");
  expect(html).not.toContain("Candidates compared");
  const summary = renderMarkdown(results);
  expect(summary).toContain("not finite");
  expect(summary).not.toContain("Robust accuracy, worst case");
});

test.each([
  [
    "an unknown attack",
    tiny.replace("fgsm: fgsm", "fgsm: fgms"),
    /attacks\.fgsm.*did you mean "fgsm"/s,
  ],
  [
    "an unknown key",
    tiny.replace("samples:", "sampels:"),
    /sampels.*did you mean "samples"/s,
  ],
  [
    "an unknown parameter",
    tiny.replace("steps: 5", "step: 5"),
    /step.*did you mean "steps"/s,
  ],
  [
    "a sweep of an attack that is not there",
    tiny.replace("attack: pgd }", "attack: apgd }"),
    /sweep\.attack names "apgd"/,
  ],
  [
    "a gate on a candidate that is not there",
    tiny.replace("{ min: 0.1 }", "{ min: 0.1, candidate: ful }"),
    /did you mean "full"/,
  ],
  [
    "a name that is a number",
    tiny.replace("  head: {", '  "2": {'),
    /begin with a letter/,
  ],
  [
    "a base that is both",
    tiny.replace("pretrain:", "model: x.onnx\n  pretrain:"),
    /either model or pretrain/,
  ],
  [
    "a candidate without a base",
    tiny.replace(/base:\n.*\n.*\n/, ""),
    /names none/,
  ],
  [
    "a class that the data does not have",
    tiny.replace('"5"', '"five"'),
    /five/,
  ],
])("%s is told before anything runs", async (_what, text, message) => {
  const out = join(folder, "never");
  await expect(runAudit({ suite: suite(text), out })).rejects.toMatchObject({
    name: "UsageError",
    message: expect.stringMatching(message),
  });
  expect(existsSync(join(out, "models"))).toBe(false);
});

test("nothing of a run is left half-written", () => {
  for (const out of readdirSync(folder).filter((d) => d.startsWith("out-"))) {
    for (const d of ["cells", "examples", "models"]) {
      const inside = join(folder, out, d);
      if (!existsSync(inside)) continue;
      expect(
        readdirSync(inside).filter((f) => !/^[\w-]+\.(json|npy|onnx)$/.test(f)),
      ).toEqual([]);
    }
  }
  expect(readFileSync(path, "utf8")).toBe(tiny);
});
