import { AssayError } from "#core";
import { compile } from "#model";
import type { FloatTensor } from "#onnx";
import { defend } from "./defend.ts";
import type { ChosenDetector } from "./detector.ts";
import type { FitInput, Fitted } from "./fit.ts";
import { type ChosenDefense, isDetector } from "./kinds.ts";
import { inPlace } from "./reach.ts";
import { type Calibration, fromCalibration } from "./watch.ts";

/** Any threshold, while none is known. */
const NONE: Calibration = { threshold: 0, scale: 1, weight: 1 };

/**
 * What an excess of one scale weighs for an attack, as a share of what
 * tells classes apart.
 */
const WEIGHT = 0.1;

/** Of a threshold that lies on the middle of the clean scores, the least scale. */
const LEAST = 1e-6;

/**
 * Fits a detector and sets its threshold: the lowest that flags at most the
 * stated share of the clean validation samples, as they reach it.
 *
 * @param before what comes before it in the defence, fitted
 * @param input the bare model and the data as they are
 * @throws DETECTOR_SCORE for scores that are not finite
 */
export async function fitDetector(
  chosen: ChosenDetector,
  before: readonly ChosenDefense[],
  input: FitInput,
): Promise<Fitted> {
  const { unit, params } = chosen;
  const found =
    (await unit.fit?.(await inPlace(input, before, []), params)) ?? new Map();
  const fitted = new Map([...found, ...fromCalibration(NONE)]);
  const watching = defend(input.model, [
    ...before.filter((part) => !isDetector(part)),
    { ...chosen, fitted, params: { ...params, policy: "reject" } },
  ]);
  const compiled = await compile(watching, input.engine);
  const { logits, scores } = await compiled.answers(input.validation.x);
  await compiled.release();
  const [score] = scores as [FloatTensor];
  if (!score.data.every(Number.isFinite))
    throw new AssayError(
      "DETECTOR_SCORE",
      `${unit.id} gives clean validation samples scores that are not finite`,
      "Choose other parameters, or leave this detector out for this model.",
    );
  const calibration = calibrated(score.data, logits, params.fpr as number);
  return new Map([...found, ...fromCalibration(calibration)]);
}

function calibrated(
  scores: Float32Array,
  logits: FloatTensor,
  fpr: number,
): Calibration {
  const falling = [...scores].sort((a, b) => b - a);
  const n = falling.length;
  const threshold = falling[Math.floor(fpr * n)]!;
  const middle = falling[n >> 1]!;
  const classes = logits.dims[1] ?? 1;
  const gaps = Array.from({ length: n }, (_, i) => {
    const row = logits.data.slice(i * classes, (i + 1) * classes);
    const [first = 0, second = 0] = row.sort().reverse();
    return first - second;
  }).sort((a, b) => a - b);
  return {
    threshold,
    scale: Math.max(
      threshold - middle,
      LEAST * Math.max(1, Math.abs(threshold)),
    ),
    weight: Math.max(WEIGHT * gaps[n >> 1]!, LEAST),
  };
}
