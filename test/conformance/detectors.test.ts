import { beforeAll, expect, test } from "vitest";
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
import { argmaxRows, compile, isFlagged, type Model, rejections } from "#model";
import type { FloatTensor } from "#onnx";
import { detectorLaws } from "../../src/conformance/index.ts";
import { chosenSanitizer } from "../chosen.ts";
import { reference, smallDigits } from "../reference.ts";
import { lawful } from "./laws.ts";

let model: Model;
let data: { train: Dataset; validation: Dataset; test: Dataset };
let x: FloatTensor;

beforeAll(async () => {
  model = await reference();
  data = await smallDigits();
  ({ x } = data.test);
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

const _watched = async (unit: Detector) => defend(model, [await chosen(unit)]);

/** What a model says, and which rows it refuses. */
async function asked(m: Model, images: FloatTensor) {
  const compiled = await compile(m, onnxruntime);
  const { logits, scores } = await compiled.answers(images);
  await compiled.release();
  const rows = images.dims[0] ?? 0;
  const refused = rejections(m.detectors ?? [], scores, rows);
  return { logits, scores, refused, said: argmaxRows(logits) };
}

const _share = (flags: readonly boolean[]) =>
  flags.filter(Boolean).length / flags.length;

const byId = (id: string) => detectors.find((d) => d.id === id) as Detector;

lawful("detector", detectors, (unit) =>
  detectorLaws(unit, {
    params: suited[unit.id],
    isBlindToEvasion: blindTo.includes(unit.id),
  }),
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
