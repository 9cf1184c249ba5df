import { expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, dataset, takeSamples } from "#data";
import { trainingDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import {
  asPart,
  type OpenPart,
  type TrainingDefense,
  tuneEvenly,
} from "#tuning";
import { newcombe, rate } from "../../src/audit/statistics/intervals.ts";
import { settings, smallDigits, untrained } from "../reference.ts";

/** The same images under labels that say nothing, so that only remembering helps. */
function relabelled(data: Dataset, count: number, random: Random): Dataset {
  const some = takeSamples(
    data,
    Array.from({ length: count }, (_, i) => i),
  );
  return dataset(
    some.name,
    some.x,
    some.y.map(() => random.below(5)),
    some.classes,
  );
}

/**
 * Advantage of telling members from others by a loss below the mean of the
 * members (Yeom et al. 2018, arXiv:1709.01604), with its interval.
 */
async function advantage(parts: readonly OpenPart[]) {
  const all = await smallDigits();
  const random = new Random(8);
  const members = relabelled(all.train, 60, random);
  const others = relabelled(all.test, 60, random);
  const model = { ...untrained(), classes: members.classes };
  const { model: tuned } = await tuneEvenly({
    model,
    train: members,
    // The last epochs remember the most.
    validation: members,
    epochs: 20,
    settings: settings({ learningRate: 1e-2, patience: null, batchSize: 20 }),
    parts,
    engine: onnxruntime,
    random: new Random(2),
  });
  const compiled = await compile(tuned, onnxruntime);
  const lossesOf = async ({ x, y }: Dataset) => [
    ...(await compiled.lossGradient(x, y)).loss,
  ];
  const [inside, outside] = [await lossesOf(members), await lossesOf(others)];
  await compiled.release();
  const mean = inside.reduce((s, v) => s + v, 0) / inside.length;
  const below = (losses: number[]) =>
    rate(losses.filter((v) => v <= mean).length, losses.length);
  return newcombe(below(inside), below(outside));
}

test("DP-SGD takes most of the advantage of telling who was in the training data", async () => {
  const unit = trainingDefenses.find((d) => d.id === "dp-sgd");
  const plain = await advantage([]);
  const guarded = await advantage([
    asPart({
      unit: unit as TrainingDefense,
      params: unit?.params.parse({ noise: 2 }) ?? {},
    }),
  ]);
  expect(guarded.high).toBeLessThan(plain.low);
});
