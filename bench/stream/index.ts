import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { attackOn, attacks, ballOf } from "#attacks";
import { InterruptedError, Random } from "#core";
import {
  type Dataset,
  loadDataset,
  reading,
  splitDataset,
  takeHeld,
} from "#data";
import { onnxruntime } from "#engine";
import { compile, layerGroups, type Model, modelOf } from "#model";
import { trainingSettings, tune } from "#tuning";
import { Net } from "../models/net.ts";
import { drawPictures } from "./pictures.ts";

const BATCH = 32;
const ATTACKED = 32;

/** Images of the parts that are not trained on. */
const OTHERS = 256;

/**
 * An epoch of training on so many distinct images of 224x224 that they are read as they
 * are asked for, once with each decoded for its step and once from the file of decoded
 * ones, and an attack: memory, and the share of a step that waits for images. A small
 * network, so that a step is short.
 *
 * @param cache GiB for decoded images
 * @param steps after which an epoch ends; a whole one where it is undefined
 */
export async function stream(
  count: number,
  cache: number,
  steps: number | undefined,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-stream-"));
  // What was decoded before is not to be found.
  process.env.ASSAY_CACHE = join(folder, "cache");
  try {
    let begun = performance.now();
    const counts = { train: count, validation: OTHERS, test: OTHERS };
    const bytes = await drawPictures(join(folder, "images"), counts);
    console.log(
      `${count} distinct images to train on, 256x256, ${gigabytes(bytes)} of JPEG, drawn in ${seconds(begun)}; peak ${peak()}`,
    );
    begun = performance.now();
    const kept = await partsOf(folder, cache);
    console.log(
      `decoded once, by the pipeline imagenet, and hashed in ${seconds(begun)} (${rate(count + 2 * OTHERS, begun)}), ${gigabytes(sizeOfCache(folder))} kept; peak ${peak()}`,
    );
    console.log(`epochs in batches of ${BATCH}, goal: waits below 5 %`);
    const anew = await partsOf(folder, 0);
    await trained("decoding", anew, steps);
    await trained("from the cache", kept, steps);
    await attacked(kept.test);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const seconds = (since: number) =>
  `${((performance.now() - since) / 1000).toFixed(1)} s`;
const rate = (images: number, since: number) =>
  `${((1000 * images) / (performance.now() - since)).toFixed(0)} images/s`;
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
const peak = () =>
  `${Math.round(process.resourceUsage().maxRSS / 1024)} MB (goal: 1,500)`;

const sizeOfCache = (folder: string) =>
  readdirSync(join(folder, "cache", "images")).reduce(
    (sum, name) => sum + statSync(join(folder, "cache", "images", name)).size,
    0,
  );

async function partsOf(folder: string, cache: number) {
  const data = await loadDataset(
    { source: "image-folder", path: "images", pipeline: "imagenet", cache },
    folder,
  );
  const shares = { train: 0.8, validation: 0.1, test: 0.1 };
  return splitDataset(data, shares, new Random(1));
}

/** Four convolutions, the first of stride 4: ten million multiplications an image. */
function network(classes: readonly string[]): Model {
  const net = new Net("small");
  const shape = [3, 224, 224];
  let x = net.b.input({
    name: "x",
    type: "float32",
    dims: ["batch", ...shape],
  });
  x = net.relu(net.conv(x, 3, 12, 7, { stride: 4, pad: 3 }));
  x = net.relu(net.conv(x, 12, 16, 3, { stride: 2, pad: 1 }));
  x = net.relu(net.conv(x, 16, 32, 3, { stride: 2, pad: 1 }));
  x = net.relu(net.conv(x, 32, 32, 3, { pad: 1 }));
  const logits = net.linear(net.globalAverage(x), 32, classes.length);
  return {
    ...modelOf(net.b.build([logits]), "bench", { input: { shape } }),
    classes,
  };
}

async function trained(
  how: string,
  { train, validation }: { train: Dataset; validation: Dataset },
  steps = Number.POSITIVE_INFINITY,
): Promise<void> {
  const random = new Random(1);
  const model = network(train.classes);
  const groups = layerGroups(model.graph);
  const enough = new AbortController();
  const taken: number[] = [];
  Object.assign(reading, { milliseconds: 0, rows: 0 });
  let before = 0;
  let waited = 0;
  await tune({
    model,
    train,
    validation,
    groups,
    stages: [{ epochs: 1, rates: new Map(groups.map((g) => [g.name, 1])) }],
    settings: z
      .strictObject(trainingSettings)
      .parse({ epochs: 1, batchSize: BATCH }),
    parts: [
      () => ({
        moved() {
          taken.push(performance.now());
          // The first step has nobody to read ahead of it.
          if (taken.length === 1) before = reading.milliseconds;
          waited = reading.milliseconds - before;
          if (taken.length > steps) enough.abort();
        },
      }),
    ],
    engine: onnxruntime,
    random,
    signal: enough.signal,
  }).catch((error) => {
    if (!(error instanceof InterruptedError)) throw error;
  });
  const count = taken.length - 1;
  const all = taken[count]! - taken[0]!;
  console.log(
    `${how}: ${count} steps in ${(all / 1000).toFixed(1)} s, ${(all / count).toFixed(0)} ms each, ${((1000 * BATCH * count) / all).toFixed(0)} images/s, ${((100 * waited) / all).toFixed(1)} % waits; peak ${peak()}`,
  );
}

async function attacked(test: Dataset): Promise<void> {
  const random = new Random(2);
  const begun = performance.now();
  const drawn = random.permutation(test.y.length).slice(0, ATTACKED);
  const { x, y } = takeHeld(test, drawn);
  const unit = attacks.find(({ id }) => id === "pgd");
  if (!unit) throw new Error("pgd is one of the attacks");
  const compiled = await compile(network(test.classes), onnxruntime);
  const params = unit.params.parse({ steps: 10 });
  const { run } = attackOn(
    compiled,
    { x, y },
    { unit, params },
    { ball: ballOf("linf", 4 / 255, [0, 1]) },
    { random },
  );
  await run();
  await compiled.release();
  console.log(
    `${ATTACKED} images attacked by PGD of 10 steps in ${seconds(begun)}; peak ${peak()}`,
  );
}
