import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { runAudit } from "#audit";
import { encodeNpy, Random } from "#core";

import { emptyGraph, encodeModel, floats, GraphBuilder, int } from "#onnx";
import { resultsSchema } from "#results";
import { renderHtml } from "../../../reports/html/render.ts";
import { renderMarkdown } from "../../../reports/markdown/render.ts";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();
const [COUNT, SIDE] = [160, 12];

/** Squares (1) and crosses (2) on a ground (0), in noise, and what is where. */
function shapes() {
  const random = new Random("shapes");
  const x = new Float32Array(COUNT * SIDE * SIDE);
  const y = new Float32Array(COUNT * SIDE * SIDE);
  for (let i = 0; i < COUNT; i++) {
    const at = (row: number, column: number) =>
      (i * SIDE + row) * SIDE + column;
    for (let p = 0; p < SIDE * SIDE; p++)
      x[i * SIDE * SIDE + p] = 0.2 + 0.1 * random.uniform();
    for (const kind of [1, 2]) {
      const row = 2 + random.below(SIDE - 4);
      const column = 2 + random.below(SIDE - 4);
      for (const r of [-2, -1, 0, 1, 2])
        for (const c of [-2, -1, 0, 1, 2]) {
          const isIn =
            kind === 1
              ? Math.abs(r) < 2 && Math.abs(c) < 2
              : r === 0 || c === 0;
          if (!isIn || row + r >= SIDE || column + c >= SIDE) continue;
          x[at(row + r, column + c)] =
            (kind === 1 ? 0.8 : 0.5) + 0.1 * random.uniform();
          y[at(row + r, column + c)] = kind;
        }
    }
    // The corner is not known.
    y[at(0, 0)] = -100;
  }
  return { x, y };
}

beforeAll(() => {
  const { x, y } = shapes();
  put(folder, "x.npy", encodeNpy(floats([COUNT, SIDE, SIDE], x)));
  put(folder, "y.npy", encodeNpy(floats([COUNT, SIDE, SIDE], y)));
  const is = y.map((k) => Math.min(k, 1));
  put(folder, "is.npy", encodeNpy(floats([COUNT, SIDE, SIDE], is)));
});

const suite = ({
  task = "{ kind: positions, measure: iou, least: 0.6 }",
  attacks = "pgd: { id: pgd, steps: 10, relStepSize: 0.25 }",
  more = "",
  candidate = "{ strategy: full, epochs: 4, learningRate: 0.01, batchSize: 8 }",
  architecture = "small-unet",
  threat = "small: { norm: linf, eps: 0.08 }",
} = {}) => `
version: 1
seed: 2
title: shapes
data: { source: npy, x: x.npy, y: y.npy, answers: positions, classes: [ground, square, cross] }
task: ${task}
samples: 12
base:
  classes: [ground, square, cross]
  pretrain: { architecture: ${architecture}, epochs: 8, learningRate: 0.004, batchSize: 8 }
candidates:
  full: ${candidate}
threatModels:
  ${threat}
attacks:
  noise: noise
  ${attacks}
${more}`;

async function run(text: string) {
  const path = put(folder, "suite.yaml", text);
  const out = mkdtempSync(join(folder, "out-"));
  const results = await runAudit({ suite: path, out });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  return results;
}

test("a class at each pixel: trained, attacked and reported as such", async () => {
  const results = await run(
    suite({
      attacks: `pgd: { id: pgd, steps: 10, relStepSize: 0.25 }
  fgsm: fgsm
  apgd: { id: apgd-ce, steps: 10, restarts: 1 }
  square: { id: square, queries: 100 }
  auto: { id: autoattack, steps: 5, restarts: 1, queries: 50 }`,
    }),
  );
  expect(results.task).toMatchObject({
    kind: "positions",
    broken: "the mean IoU of its classes is below 60.0 %",
  });
  // No single mask is right for samples with shapes at other places.
  expect(results.task?.chance).toBeLessThan(0.2);
  const [full] = results.candidates;
  expect(full?.cleanAccuracy.value).toBeGreaterThan(0.8);
  const [share, each] = full?.measures ?? [];
  expect(share?.value).toBeGreaterThan(0.9);
  expect(share?.interval?.low).toBeLessThan(share?.value as number);
  expect(each?.interval?.high).toBeGreaterThan(each?.value as number);
  const cell = (attack: string) =>
    results.cells.find((c) => c.id === `full/none/${attack}@small`);
  const noise = cell("noise")?.robustAccuracy.value as number;
  for (const attack of ["pgd", "apgd", "square", "auto"])
    expect(cell(attack)?.robustAccuracy.value).toBeLessThan(noise);
  const moved = cell("pgd")?.measures ?? [];
  for (const measure of moved)
    expect(measure.value).toBeLessThan(measure.clean);
  expect(moved[1]?.cleanInterval?.low).toBeLessThan(moved[1]?.clean as number);
  const markdown = renderMarkdown(results);
  expect(markdown).toContain(
    "A sample is wrong when the mean IoU of its classes is below 60.0 %.",
  );
  expect(markdown).toMatch(/IoU, mean over samples 0\.\d+ .* clean, 0\.\d+/);
  const [example] = results.gallery;
  expect(example?.label).toMatch(/^ground \d+\.\d %, /);
  const { truth, clean, attacked } = example?.masks ?? {};
  expect([truth?.width, truth?.height, truth?.channels]).toEqual([
    SIDE,
    SIDE,
    3,
  ]);
  const bytes = Buffer.from(truth?.pixels ?? "", "base64");
  // The corner does not count; black is the ground beside it.
  expect([...bytes.subarray(0, 6)]).toEqual([224, 224, 224, 0, 0, 0]);
  expect(attacked?.pixels).not.toBe(clean?.pixels);
  const html = await renderHtml(results);
  for (const word of [
    "said attacked",
    "square",
    "rgb(0, 128, 0)",
    "How far from the truth",
  ])
    expect(html).toContain(word);
});

test("the share of positions: trained adversarially, behind defences", async () => {
  const results = await run(
    suite({
      task: "{ kind: positions, least: 0.95 }",
      candidate:
        "{ strategy: full, epochs: 3, learningRate: 0.01, batchSize: 8, training: { id: pgd-at, eps: 0.08, steps: 2 } }",
      more: "defenses: { blur: [gaussian], noise: [gaussian-noise] }",
    }),
  );
  expect(results.task?.broken).toBe(
    "fewer than 95.0 % of its positions are right",
  );
  const clean = results.cells.map((c) => c.cleanAccuracy.value);
  expect(Math.max(...clean)).toBeGreaterThan(0.5);
  for (const { outcomes, attackSuccess } of results.cells)
    if (/[01]/.test(outcomes)) expect(attackSuccess).not.toBeNull();
});

/** A file that takes what is brighter than 0.4 for a shape. */
function bright(outputs: 1 | 2, end: (b: GraphBuilder, v: string) => string) {
  const b = new GraphBuilder(emptyGraph("bright"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, SIDE, SIDE] });
  const [w, bias] =
    outputs === 1
      ? [[20], [-8]]
      : [
          [-10, 10],
          [4, -4],
        ];
  const maps = b.op("Conv", [
    "x",
    b.constant(floats([outputs, 1, 1, 1], w)),
    b.constant(floats([outputs], bias)),
  ]);
  return encodeModel(b.build([end(b, maps)]));
}

test.each([
  ["one Sigmoid a pixel", bright(1, (b, v) => b.sigmoid(v))],
  ["one logit a pixel", bright(1, (_b, v) => v)],
  [
    "a Softmax, classes last",
    bright(2, (b, v) => {
      const last = b.transpose(v, [0, 2, 3, 1]);
      return b.op("Softmax", [last], { axis: int(-1) });
    }),
  ],
  [
    "shares of two members",
    bright(2, (b, v) => {
      const softmax = () => b.op("Softmax", [v], { axis: int(1) });
      return b.mul(b.add(softmax(), softmax()), 0.5);
    }),
  ],
])("a given file, %s", async (_name, file) => {
  put(folder, "bright.onnx", file);
  const results = await run(`
version: 1
title: given
data: { source: npy, x: x.npy, y: is.npy, answers: positions, classes: [ground, shape] }
task: { kind: positions, least: 1 }
samples: 6
candidates:
  given: { model: bright.onnx }
threatModels:
  small: { norm: linf, eps: 0.05 }
  large: { norm: linf, eps: 0.15 }
attacks:
  pgd: { id: pgd, steps: 5, relStepSize: 0.5 }
`);
  const [given] = results.candidates;
  expect(given?.cleanAccuracy.value).toBe(1);
  expect(given?.shipped).toMatchObject({ apart: 0, why: null });
  expect(given?.measures?.map((m) => m.value)).toEqual([1, 1, 1]);
  // The ground is below 0.3, and shapes are above 0.5.
  expect(results.cells.map((c) => c.robustAccuracy.value)).toEqual([1, 0]);
});

test.each([
  [
    "attacks that turn images",
    { attacks: "spatial: spatial", threat: "turned: { norm: none }" },
    /attacks.spatial: spatial is about samples as a whole/,
  ],
  [
    "detectors",
    { more: "defenses: { unsure: [max-softmax] }" },
    /max-softmax is about samples as a whole/,
  ],
  [
    "attacks through a base",
    { attacks: "public: base-pgd" },
    /base-pgd is about samples as a whole/,
  ],
  [
    "augmentations that move pixels",
    { candidate: "{ strategy: full, epochs: 1, augment: [flip] }" },
    /flip is about samples as a whole/,
  ],
  [
    "weights of classes",
    {
      candidate: "{ strategy: full, epochs: 1, classWeights: balanced }",
    },
    /candidates.full: classWeights needs samples of one class each/,
  ],
  [
    "drawing by classes",
    {
      candidate: "{ strategy: full, epochs: 1, samplingTemperature: 2 }",
    },
    /candidates.full: samplingTemperature needs samples of one class each/,
  ],
  [
    "training parts that compare classes",
    { candidate: "{ strategy: full, epochs: 1, training: trades }" },
    /candidates.full: trades is about classes, and the outputs are labels or values/,
  ],
  [
    "several tasks on one trunk",
    {
      candidate: "{ strategy: full, epochs: 1, tasks: [main, ink] }",
      more: "tasks: { ink: { relabel: { above: 0.5 }, task: { kind: regression, tolerance: 0.1 } } }",
    },
    /task "main" has classes at positions or steps, which no head beside others gives/,
  ],
  [
    "certificates",
    { more: "certify: { sigma: 0.1 }" },
    /certify is about classes/,
  ],
  [
    "other architectures",
    { architecture: "small-cnn" },
    /small-cnn answers for a sample as a whole/,
  ],
  [
    "classifiers",
    { task: "{ kind: classes }" },
    /small-unet answers at each position, and the task is one of whole samples/,
  ],
])("%s are refused by name", async (_name, options, message) => {
  await expect(run(suite(options))).rejects.toThrow(message);
});
