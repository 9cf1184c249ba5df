import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { runAudit } from "#audit";
import { encodeNpy, Random } from "#core";
import { encodePng } from "#data";
import { floats } from "#onnx";
import { resultsSchema } from "#results";
import { renderHtml } from "../../../reports/html/render.ts";
import { renderMarkdown } from "../../../reports/markdown/render.ts";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();
const crnn = fileURLToPath(
  new URL("../../fixtures/ctc/crnn.onnx", import.meta.url),
);
const [COUNT, HEIGHT, WIDTH, MOST] = [240, 8, 24, 4];

/** Digits of 3 x 5 pixels, as `crnn.py` draws them. */
const glyphs = new Map([
  ["0", "111101101101111"],
  ["1", "010110010010111"],
  ["2", "111001111100111"],
  ["3", "111001111001111"],
  ["4", "101101111001001"],
  ["5", "111100111001111"],
  ["7", "111001010010010"],
]);
const signs = [...glyphs.keys()];

/** Lines of one to four digits in noise, and what they say. */
function lines(count: number) {
  const random = new Random("lines");
  const x = new Float32Array(count * HEIGHT * WIDTH);
  const texts = Array.from({ length: count }, (_, i) => {
    for (let p = 0; p < HEIGHT * WIDTH; p++)
      x[i * HEIGHT * WIDTH + p] = 0.25 * random.uniform();
    let at = random.below(3);
    return Array.from({ length: 1 + random.below(MOST) }, () => {
      const sign = signs[random.below(signs.length)]!;
      const top = random.below(4);
      [...glyphs.get(sign)!].forEach((bit, p) => {
        const row = top + Math.floor(p / 3);
        if (bit === "1") x[(i * HEIGHT + row) * WIDTH + at + (p % 3)]! += 0.6;
      });
      at += 4 + random.below(3);
      return sign;
    }).join("");
  });
  return { x, texts };
}

const { x, texts } = lines(COUNT);

beforeAll(async () => {
  put(folder, "x.npy", encodeNpy(floats([COUNT, 1, HEIGHT, WIDTH], x)));
  const y = texts.flatMap((text) =>
    Array.from({ length: MOST }, (_, k) =>
      k < text.length ? 1 + signs.indexOf(text[k]!) : -100,
    ),
  );
  put(folder, "y.npy", encodeNpy(floats([COUNT, MOST], y)));
  const rows = await Promise.all(
    texts.map(async (text, i) => {
      const pixels = x.subarray(i * HEIGHT * WIDTH, (i + 1) * HEIGHT * WIDTH);
      const png = await encodePng(pixels, [1, HEIGHT, WIDTH]);
      put(folder, `line${i}.png`, png);
      return `line${i}.png,${text}`;
    }),
  );
  put(folder, "lines.csv", ["image,text", ...rows].join("\n"));
});

const classes = `[${signs.map((s) => `"${s}"`).join(", ")}]`;
const arrays = `{ source: npy, x: x.npy, y: y.npy, answers: sequences, classes: ${classes} }`;

const suite = ({
  data = arrays,
  task = "{ kind: ctc, most: 4 }",
  candidates = `given: { model: ${crnn} }`,
  attacks = "pgd: { id: pgd, steps: 10, relStepSize: 0.25 }",
  more = "",
} = {}) => `
version: 1
seed: 2
title: lines
data: ${data}
task: ${task}
samples: 12
split: { train: 0.6, validation: 0.1, test: 0.3 }
candidates:
  ${candidates}
threatModels:
  small: { norm: linf, eps: 0.1 }
  near: { norm: l2, eps: 1 }
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

test("a recognizer of lines as PyTorch exports it: attacked and reported", async () => {
  const results = await run(
    suite({
      data: `{ source: transcripts, path: lines.csv, channels: 1, classes: ${classes} }`,
      attacks: `pgd: { id: pgd, steps: 10, relStepSize: 0.25 }
  fgsm: fgsm
  apgd: { id: apgd-ce, steps: 10, restarts: 1 }
  cw: { id: cw-l2, binarySearchSteps: 3, maxIterations: 40, learningRate: 0.05, initialConst: 1 }
  square: { id: square, queries: 100 }`,
    }),
  );
  expect(results.task).toMatchObject({
    kind: "ctc",
    broken: "any of its label is read otherwise",
  });
  expect(results.task?.chance).toBeLessThan(0.2);
  const [given] = results.candidates;
  expect(given?.cleanAccuracy.value).toBeGreaterThan(0.9);
  expect(given?.measures?.[0]?.name).toBe("character error rate");
  expect(given?.measures?.[0]?.value).toBeLessThan(0.05);
  // The file in plain onnxruntime answers as the graph that is attacked.
  expect(given?.shipped).toMatchObject({ apart: 0, why: null });
  const cell = (attack: string) =>
    results.cells.find((c) => c.id === `given/none/${attack}@small`);
  const noise = cell("noise")?.robustAccuracy.value as number;
  expect(noise).toBeGreaterThan(0.8);
  for (const attack of ["pgd", "apgd"])
    expect(cell(attack)?.robustAccuracy.value).toBeLessThan(noise - 0.4);
  const near = results.cells.find((c) => c.id === "given/none/cw@near");
  expect(near?.robustAccuracy.value).toBeLessThan(noise - 0.4);
  const [moved] = cell("pgd")?.measures ?? [];
  expect(moved?.value).toBeGreaterThan(moved?.clean as number);
  const [example] = results.gallery;
  expect(example?.label).toMatch(/^\d{1,4}$/);
  expect(example?.prediction).not.toBe(example?.label);
  const markdown = renderMarkdown(results);
  expect(markdown).toContain(
    "A sample is wrong when any of its label is read otherwise.",
  );
  expect(markdown).toMatch(/character error rate \d/);
  expect(await renderHtml(results)).toContain("character error rate");
});

test("fine-tuned with a new head", async () => {
  const results = await run(
    suite({
      candidates: `full: { strategy: full, epochs: 10, learningRate: 0.02, batchSize: 10 }`,
      more: `base: { model: ${crnn}, task: { kind: ctc } }`,
    }),
  );
  const full = results.candidates.find((c) => c.id === "full");
  expect(full?.measures?.[0]?.value).toBeLessThan(0.6);
});

describe("refused", () => {
  test.each([
    [
      "labels that take more steps than there are",
      { task: "{ kind: ctc, most: 2 }" },
      /a label of [34] classes \(\d+\), expected at most 2/,
    ],
    [
      "data of other answers",
      {
        data: `{ source: npy, x: x.npy, y: y.npy, answers: positions, classes: [blank, ${classes.slice(1)} }`,
      },
      /says sequences, x has other answers/,
    ],
    ["another task", { task: "{ kind: positions, least: 1 }" }, /./],
    [
      "defences of samples as a whole",
      { more: "defenses: { unsure: [max-softmax] }" },
      /max-softmax is about samples as a whole/,
    ],
    [
      "a blank that is not there",
      { task: "{ kind: ctc, most: 4, blank: 8 }" },
      /no output 8 to be the blank/,
    ],
    [
      "a base that a run trains",
      {
        candidates: "full: { strategy: full, epochs: 1 }",
        more: `base: { pretrain: { architecture: small-unet, epochs: 1 }, classes: ${classes} }`,
      },
      /no built-in architecture says sequences/,
    ],
  ])("%s", async (_name, change, message) => {
    await expect(run(suite(change))).rejects.toThrow(message);
  });
});
