import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import type { Dataset } from "#data";
import {
  type ChosenDetector,
  type Detector,
  defend,
  detectors,
  type FitInput,
  fitDetector,
} from "#defenses";
import { onnxruntime } from "#engine";
import {
  argmaxRows,
  compile,
  isFlagged,
  loadModel,
  type Model,
  rejections,
  saveModel,
} from "#model";
import type { FloatTensor } from "#onnx";
import { attacked } from "../attacks/attacked.ts";
import { chosenSanitizer } from "../chosen.ts";
import { reference, smallDigits } from "../reference.ts";

let model: Model;
let data: { train: Dataset; validation: Dataset; test: Dataset };
let x: FloatTensor;
let y: Int32Array;

beforeAll(async () => {
  model = await reference();
  data = await smallDigits();
  ({ x, y } = data.test);
});

/** Parameters that suit a reference task of 180 training samples. */
const suited: Record<string, Record<string, unknown>> = {
  "feature-squeezing": { bits: 4, size: 3 },
  knn: { k: 10 },
  // The step is off unless stated; with it everything else is tried as well.
  mahalanobis: { step: 0.01 },
  strip: { blends: 10, fpr: 0.05 },
  lid: { k: 10, batch: 60 },
  "magnet-reconstruction": {
    fpr: 0.05,
    epochs: 60,
    batchSize: 32,
    learningRate: 0.03,
    channels: 8,
  },
  "magnet-divergence": {
    fpr: 0.05,
    epochs: 60,
    batchSize: 32,
    learningRate: 0.03,
    channels: 8,
  },
};

/** What a method does not claim to see: examples of evasion are not backdoors. */
const blindTo: readonly string[] = ["strip", "scale-up"];

const fitInput = (): FitInput => ({
  model,
  engine: onnxruntime,
  train: data.train,
  validation: data.validation,
  random: new Random(5),
  onProgress() {},
});

const fits = new Map<string, Promise<ChosenDetector>>();

/** A detector with suited parameters, fitted once. */
function chosen(unit: Detector): Promise<ChosenDetector> {
  const params = unit.params.parse(suited[unit.id] ?? {});
  const known = fits.get(unit.id) ?? fitted(unit, params);
  fits.set(unit.id, known);
  return known;
}

async function fitted(
  unit: Detector,
  params: Record<string, unknown>,
): Promise<ChosenDetector> {
  const found = await fitDetector({ unit, params }, [], fitInput());
  return { unit, params, fitted: found };
}

const watched = async (unit: Detector) => defend(model, [await chosen(unit)]);

/** What a model says, and which rows it refuses. */
async function asked(m: Model, images: FloatTensor) {
  const compiled = await compile(m, onnxruntime);
  const { logits, scores } = await compiled.answers(images);
  await compiled.release();
  const rows = images.dims[0] ?? 0;
  const refused = rejections(m.detectors ?? [], scores, rows);
  return { logits, scores, refused, said: argmaxRows(logits) };
}

const share = (flags: readonly boolean[]) =>
  flags.filter(Boolean).length / flags.length;

describe.each(detectors.map((d) => [d.id, d] as const))(
  "detector %s",
  (_id, unit) => {
    test("leaves the logits as they are, and says the same of a row alone", async () => {
      const before = await asked(model, x);
      const { logits, scores } = await asked(await watched(unit), x);
      expect(logits.data).toEqual(before.logits.data);
      expect(scores).toHaveLength(1);
      expect(scores[0]?.dims).toEqual([y.length]);
      const compiled = await compile(await watched(unit), onnxruntime);
      const one = { ...x, dims: [1, ...x.dims.slice(1)] };
      const width = x.data.length / y.length;
      const alone = await compiled.answers({
        ...one,
        data: x.data.slice(3 * width, 4 * width),
      });
      await compiled.release();
      expect(alone.scores[0]?.data[0]).toBeCloseTo(
        scores[0]?.data[3] as number,
        3,
      );
    });

    test("is fitted alike under its seed", async () => {
      const again = await fitted(unit, (await chosen(unit)).params);
      expect([...(again.fitted ?? [])]).toEqual([
        ...((await chosen(unit)).fitted ?? []),
      ]);
    });

    test("flags as many validation samples as it was told, at most", async () => {
      const { params } = await chosen(unit);
      const { refused } = await asked(await watched(unit), data.validation.x);
      const most = Math.floor((params.fpr as number) * refused.length);
      expect(refused.filter(Boolean).length).toBeLessThanOrEqual(most);
      expect(share(refused)).toBeGreaterThan(0);
    });

    test("the hardened file gives logits, score and rejection in plain onnxruntime, and can be attacked when it is read again", async () => {
      const defended = await watched(unit);
      const file = join(mkdtempSync(join(tmpdir(), "assay-")), "hardened.onnx");
      saveModel(file, defended);
      const plain = await ort.InferenceSession.create(file);
      expect(plain.outputNames).toEqual([defended.logits, "score", "rejected"]);
      const out = await plain.run({
        [plain.inputNames[0]!]: new ort.Tensor("float32", x.data, x.dims),
      });
      const ours = await asked(defended, x);
      expect(out[defended.logits]?.data).toEqual(ours.logits.data);
      expect(out.score?.data).toEqual(ours.scores[0]?.data);
      expect(Array.from(out.rejected?.data as Uint8Array, Boolean)).toEqual(
        ours.refused,
      );
      const again = await loadModel(file);
      expect(again.detectors).toEqual(defended.detectors);
      const [one, two] = [
        await compile(again, onnxruntime),
        await compile(defended, onnxruntime),
      ];
      expect((await one.lossGradient(x, y)).gradient.data).toEqual(
        (await two.lossGradient(x, y)).gradient.data,
      );
      await one.release();
      await two.release();
    });

    test("an adaptive attack gets a gradient of the score", async () => {
      const defended = await watched(unit);
      const [own] = defended.detectors as [
        NonNullable<Model["detectors"]>[number],
      ];
      // A threshold that everything exceeds: all that is left to do is to evade it.
      const strict = { ...own, threshold: own.threshold - 100 * own.scale };
      const compiled = await compile(
        { ...defended, detectors: [strict] },
        onnxruntime,
      );
      const wrong = y.map((label) => (label + 1) % 5);
      const { gradient } = await compiled.lossGradient(x, wrong, {
        loss: "margin",
      });
      await compiled.release();
      const width = gradient.data.length / y.length;
      const alive = Array.from(y, (_, i) =>
        gradient.data
          .subarray(i * width, (i + 1) * width)
          .some((g) => g !== 0 && Number.isFinite(g)),
      );
      expect(share(alive)).toBeGreaterThan(0.9);
      expect(gradient.data.every(Number.isFinite)).toBe(true);
      expect(defended.straightThrough.length > 0).toBe(
        unit.gradient === "straight-through",
      );
    });

    test("an attack that knows it does better than one that does not", async () => {
      const defended = await watched(unit);
      const known = { norm: "linf", eps: 0.3 } as const;
      const params = { steps: 20, relStepSize: 0.1 };
      const of = (m: Model) =>
        attacked("pgd", m, { x, y }, { ...known, params });
      const survivors = async (examples: FloatTensor) => {
        const { said, refused } = await asked(defended, examples);
        return said.filter((p, i) => refused[i] || p === y[i]).length;
      };
      const aware = await survivors((await of(defended)).examples);
      const unaware = await survivors((await of(model)).examples);
      expect(aware).toBeLessThanOrEqual(unaware);
      expect(aware).toBeLessThan(y.length);
    });
  },
);

const byId = (id: string) => detectors.find((d) => d.id === id) as Detector;

test.each(detectors.map((d) => d.id).filter((id) => !blindTo.includes(id)))(
  "detector %s scores examples that fool the model above clean samples",
  async (id) => {
    const { examples } = await attacked(
      "fgsm",
      model,
      { x, y },
      { norm: "linf", eps: 0.15 },
    );
    const { said, scores } = await asked(await watched(byId(id)), examples);
    const fooled = Array.from(y.keys()).filter((i) => said[i] !== y[i]);
    const clean = await asked(await watched(byId(id)), x);
    expect(fooled.length).toBeGreaterThan(10);
    const pairs = fooled.flatMap((i) =>
      Array.from(
        clean.scores[0]?.data ?? [],
        (score) => (scores[0]?.data[i] as number) > score,
      ),
    );
    expect(share(pairs)).toBeGreaterThan(0.6);
  },
);

test("detectors beside each other and sanitizers before and behind them give one model", async () => {
  const energy = await chosen(byId("energy"));
  const squeezing = await chosen(byId("feature-squeezing"));
  const median = chosenSanitizer("median", { size: 3 });
  const both = defend(model, [median, energy, squeezing, median]);
  expect(both.detectors?.map((d) => d.id)).toEqual([
    "energy",
    "feature-squeezing",
  ]);
  expect(both.graph.outputs.map((o) => o.name)).toEqual([
    both.logits,
    ...(both.detectors ?? []).map((d) => d.score),
  ]);
  const whole = await asked(both, x);
  // Each sees the image behind the first median, and twice smoothed it is classified.
  const once = await asked(defend(model, [median, energy]), x);
  const other = await asked(defend(model, [median, squeezing]), x);
  const twice = await asked(defend(model, [median, median]), x);
  expect(whole.scores[0]?.data).toEqual(once.scores[0]?.data);
  expect(whole.scores[1]?.data).toEqual(other.scores[0]?.data);
  expect(whole.logits.data).toEqual(twice.logits.data);
  expect(whole.refused).toEqual(
    once.refused.map((r, i) => r || other.refused[i]!),
  );
});

test("a detector that sanitises answers by what follows it, and only what it flags", async () => {
  const energy = await chosen(byId("energy"));
  const gentle = {
    ...energy,
    params: { ...energy.params, policy: "sanitise" },
  };
  const median = chosenSanitizer("median", { size: 3 });
  const treated = await asked(defend(model, [gentle, median]), x);
  const plain = await asked(defend(model, [energy]), x);
  const smooth = await asked(defend(model, [median]), x);
  expect(treated.refused).toEqual(plain.refused.map(() => false));
  expect(plain.refused.some(Boolean)).toBe(true);
  const classes = model.classes.length;
  for (const [i, flagged] of plain.refused.entries()) {
    const row = (t: FloatTensor) =>
      t.data.slice(i * classes, (i + 1) * classes);
    expect(row(treated.logits)).toEqual(row((flagged ? smooth : plain).logits));
  }
  for (const rest of [[], [energy]])
    expect(() => defend(model, [gentle, ...rest])).toThrow(/follow/);
});

test("a score that is no number is flagged", () => {
  const detector = { threshold: 1 } as NonNullable<Model["detectors"]>[number];
  expect([0, 1, 1.1, Number.NaN].map((s) => isFlagged(s, detector))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test("a threshold that is not known is refused", () => {
  const unit = byId("energy");
  expect(() =>
    defend(model, [{ unit, params: unit.params.parse({}) }]),
  ).toThrow(/fitted/);
});
