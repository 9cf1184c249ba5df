import { expect, test } from "vitest";
import { suiteSchema } from "#audit";
import { type Cell, resultsSchema } from "#results";
import { type Found, judged } from "../../src/audit/judged.ts";
import { rate } from "../../src/audit/statistics/intervals.ts";
import { candidate, cell, evidence, outcomes } from "./cells.ts";

const suite = suiteSchema.parse({
  version: 1,
  title: "by hand",
  data: { source: "digits" },
  candidates: { full: { model: "full.onnx" }, head: { model: "head.onnx" } },
  threatModels: { "linf-0.1": { norm: "linf", eps: 0.1 } },
  attacks: { fgsm: "fgsm", pgd: "pgd" },
  gate: [{ robustAccuracy: { min: 0.3, candidate: "full" } }],
});
const loaded = { suite, file: "by-hand.yaml", hash: "0" };

const scored = (given: Parameters<typeof cell>[0], changes = {}) => {
  const { trusted, checks, reproduce, ...made }: Cell = cell(given);
  return { cell: made, evidence: { ...evidence(cell(given)), ...changes } };
};

const found: Found = {
  complete: true,
  classes: ["0", "1"],
  base: null,
  candidates: [candidate("full", 90, 100), candidate("head", 80, 100)],
  warnings: [],
  failures: [],
  missing: [],
  looks: new Map(),
  cells: [
    scored({ outcomes: outcomes(60, 30, 10) }),
    scored(
      { attack: "fgsm", outcomes: outcomes(70, 20, 10) },
      { family: "single-step" },
    ),
    scored({ candidate: "head", outcomes: outcomes(30, 50, 20) }),
  ],
  heads: { replays: [], together: [] },
  trials: [],
  certificates: [],
  gallery: [],
  epochs: [],
  onSource: [],
  data: {
    source: "digits",
    fingerprint: "1",
    train: 1,
    validation: 1,
    test: 100,
    attacked: 100,
  },
  machine: { engine: "none", node: "v0", platform: "none" },
  timing: { startedAt: "", finishedAt: "", seconds: 1 },
};

test("what was found becomes a document that follows its schema, and is left as it was", () => {
  const before = structuredClone(found);
  const results = judged(found, loaded);
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(judged(found, loaded)).toEqual(results);
  expect(found).toEqual(before);
  expect(results.cells[0]?.reproduce).toBe(
    "npx assay run by-hand.yaml --only 'full/none/pgd@linf-0.1'",
  );
  expect(results.worstCases.map((w) => w.robustAccuracy.value)).toEqual([
    0.6, 0.3,
  ]);
  expect(results.provenance.suite).toEqual({ file: "by-hand.yaml", hash: "0" });
  expect(results.gate.verdict).toBe("passed");
});

test("only a whole run has a verdict, and lists that nobody asked for are absent", () => {
  const results = judged({ ...found, complete: false }, loaded);
  expect(results.gate).toEqual({ verdict: "none", rules: [] });
  for (const key of ["domains", "trajectories", "crossTask", "inheritance"])
    expect(JSON.parse(JSON.stringify(results))).not.toHaveProperty(key);
});

test("a cell is judged by the others and by what is wrong with its model, and the gate by that", () => {
  const [pgd] = found.cells;
  const stronger = scored(
    { attack: "fgsm", outcomes: outcomes(40, 50, 10) },
    { family: "single-step" },
  );
  const outdone = judged({ ...found, cells: [pgd!, stronger] }, loaded);
  expect(outdone.cells.map((c) => c.trusted)).toEqual([false, true]);
  expect(outdone.gate.verdict).toBe("inconclusive");
  const faulty = judged(
    {
      ...found,
      looks: new Map([["full", { faults: ["It draws at random."] }]]),
    },
    loaded,
  );
  expect(faulty.cells.map((c) => [c.candidate, c.trusted])).toEqual([
    ["full", false],
    ["full", false],
    ["head", true],
  ]);
  expect(faulty.gate.verdict).toBe("inconclusive");
});

const row = {
  of: "both",
  replica: null,
  through: "head",
  candidate: "full",
  defense: "none",
  attack: "pgd",
  threatModel: "linf-0.1",
  cleanAccuracy: rate(90, 100),
  robustAccuracy: rate(50, 100),
  drop: { value: 0.4, low: 0, high: 1 },
  outcomes: outcomes(50, 40, 10),
};

test("what breaks a sample through another head counts in the worst case, and is trusted as the cell that it was made in", () => {
  const replays = [{ row, cell: "head/none/pgd@linf-0.1" }];
  const results = judged(
    { ...found, heads: { replays, together: [] } },
    loaded,
  );
  expect(results.worstCases[0]).toMatchObject({
    through: ["head"],
    robustAccuracy: { value: 0.5 },
  });
  expect(results.crossTask?.map((c) => c.trusted)).toEqual([true]);
  expect(results.gate.verdict).toBe("passed");
});

test("an attack on all heads at once says little of one whose gradient it did not follow, and nothing where one is faulty", () => {
  const { faults, ...seen } = evidence(cell({ outcomes: outcomes(50, 50) }));
  const heads = [
    { row, noGradient: null },
    { row: { ...row, candidate: "head" }, noGradient: "it rounds" },
  ];
  const all = {
    ...found,
    heads: { replays: [], together: [{ evidence: seen, heads }] },
  };
  const trusted = (one: Found) =>
    judged(one, loaded).crossTask?.map((c) => c.trusted);
  expect(trusted(all)).toEqual([true, false]);
  expect(
    trusted({
      ...all,
      looks: new Map([["head", { faults: ["It draws at random."] }]]),
    }),
  ).toEqual([false, false]);
});

test("cells on the source domain stand beside those of the target, and each epoch is judged by itself", () => {
  const asked = {
    ...suite,
    attackSource: true,
    trajectory: {
      attack: "pgd",
      threatModel: "linf-0.1",
      samples: 10,
      every: 1,
    },
  };
  const point = {
    epoch: 1,
    stage: 0,
    trainable: ["head"],
    best: true,
    cleanAccuracy: found.cells[0]!.cell.cleanAccuracy,
    robustAccuracy: found.cells[0]!.cell.robustAccuracy,
  };
  const seen = evidence(cell({ outcomes: outcomes(60, 30, 10) }));
  const results = judged(
    {
      ...found,
      onSource: [scored({ outcomes: outcomes(90, 10) })],
      epochs: [
        {
          candidate: "full",
          attack: "pgd",
          threatModel: "linf-0.1",
          points: [
            { ...point, evidence: seen },
            { ...point, epoch: 2, evidence: { ...seen, maxDistance: 1 } },
          ],
        },
      ],
    },
    { ...loaded, suite: asked },
  );
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(
    results.domains?.map((d) => [
      d.attack,
      d.target.robustAccuracy.value,
      d.source.robustAccuracy.value,
    ]),
  ).toEqual([
    [null, 0.6, 0.9],
    ["pgd", 0.6, 0.9],
  ]);
  expect(results.trajectories?.[0]?.points.map((p) => p.trusted)).toEqual([
    true,
    false,
  ]);
});
