import { expect } from "vitest";
import { Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { layerGroups } from "#model";
import type { FloatTensor } from "#onnx";
import {
  type Batch,
  type BatchGradient,
  type Moment,
  openPlainStep,
  type TrainingContext,
  type TrainingPart,
} from "#tuning";
import { base, parts } from "./aligned.ts";

const { train } = parts;
const names = layerGroups(base.graph).flatMap((g) => g.parameters);

const context = (samples = 40): TrainingContext => ({
  model: base,
  engine: onnxruntime,
  trained: names,
  samples,
  batchSize: 8,
  steps: 10,
  stepsPerEpoch: 5,
  own: train,
  random: new Random(5),
});

export const opened = (id: string, stated: object = {}, samples = 40) => {
  const unit = trainingDefenses.find((d) => d.id === id)!;
  return unit.open(unit.params.parse(stated), context(samples));
};

/** Eight rows of what an attacker teaches: restricted prompts and their answers. */
export const attackers = ({ texts }: Dataset): Batch => {
  const rows = texts!
    .dialogues!.each.flatMap((d, i) => (d.forbidden ? [i] : []))
    .slice(0, 8);
  return takeSamples(parts.validation, rows);
};

/** What is trained on in steps with a part, and the gradients that are found. */
export async function watched(
  part: TrainingPart,
  steps: number,
  batch = attackers(parts.validation),
  move?: (weights: ReadonlyMap<string, FloatTensor>) => void,
) {
  const batches: Batch[] = [];
  const found: BatchGradient[] = [];
  const outer: TrainingPart = {
    async gradient(one, at, weights) {
      move?.(weights);
      const gradient = await at(one);
      found.push(gradient);
      return gradient;
    },
  };
  const inner: TrainingPart = {
    gradient(one, at) {
      batches.push(one as Batch);
      return at(one);
    },
  };
  const step = await openPlainStep(base, onnxruntime, {
    parts: [outer, part, inner],
  });
  for (let s = 0; s < steps; s++) {
    const moment = { batchRandom: new Random(s) } as Moment;
    await step.take((await part.prepare?.(batch, moment)) ?? batch, 1e-4);
  }
  await step.release();
  return { batches, found };
}

export function expectClose(
  ours: BatchGradient,
  theirs: BatchGradient,
  factor = 1,
  tolerance = 1e-4,
) {
  for (const [name, gradient] of theirs.gradients) {
    const own = ours.gradients.get(name)!;
    const scale = Math.max(1e-6, ...gradient.map(Math.abs));
    for (let i = 0; i < gradient.length; i += 97)
      expect(
        Math.abs(own[i]! - factor * gradient[i]!) / scale,
        name,
      ).toBeLessThan(tolerance);
  }
}

/** The token ids of a row. */
export const text = (batch: Batch, row: number) => {
  const length = batch.x.dims[1] as number;
  return [...batch.x.data.subarray(row * length, (row + 1) * length)];
};
