import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
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
import { compile, layerGroups } from "#model";
import { architectureOf, trainingSettings, tune } from "#tuning";

/** Pictures that differ; the others are links to them. */
const DISTINCT = 200;
const SIDE = 256;
const BATCH = 32;
const ATTACKED = 32;

/**
 * Training on, and an attack of, so many images of 224x224 that they are read as they
 * are asked for: memory, and the share of a step that waits for them. A small network,
 * so that a step is short.
 *
 * @param cache GiB for decoded images; 0 decodes them at every step
 */
export async function stream(
  count: number,
  cache: number,
  steps: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "assay-stream-"));
  // What was decoded before is not to be found.
  process.env.ASSAY_CACHE = join(folder, "cache");
  try {
    await drawn(join(folder, "images"), count);
    const begun = performance.now();
    const data = await loadDataset(
      { source: "image-folder", path: "images", pipeline: "imagenet", cache },
      folder,
    );
    const shares = { train: 0.8, validation: 0.001, test: 0.199 };
    const parts = splitDataset(data, shares, new Random(1));
    void parts.train.fingerprint;
    console.log(
      `${count} images of ${SIDE}x${SIDE}, by the pipeline imagenet, ${cache} GiB for decoded ones, batches of ${BATCH}, small-cnn\nread and hashed ${seconds(begun)}; peak ${peak()}`,
    );
    await trained(parts, steps);
    await attacked(parts);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const seconds = (since: number) =>
  `${((performance.now() - since) / 1000).toFixed(1)} s`;
const peak = () => `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`;

/** Smooth pictures in two folders. */
async function drawn(folder: string, count: number): Promise<void> {
  const random = new Random(7);
  const files: string[] = [];
  for (let i = 0; i < Math.min(DISTINCT, count); i++) {
    const coarse = Uint8Array.from({ length: 3 * 16 * 16 }, () =>
      random.below(256),
    );
    const raw = { width: 16, height: 16, channels: 3 } as const;
    files.push(join(folder, `${i % 2}`, `${i}.jpg`));
    mkdirSync(join(folder, `${i % 2}`), { recursive: true });
    writeFileSync(
      files[i]!,
      await sharp(coarse, { raw }).resize(SIDE, SIDE).jpeg().toBuffer(),
    );
  }
  for (let i = files.length; i < count; i++)
    linkSync(files[i % files.length]!, join(folder, `${i % 2}`, `${i}.jpg`));
}

async function trained(
  { train, validation }: { train: Dataset; validation: Dataset },
  steps: number,
): Promise<void> {
  const random = new Random(1);
  const model = architectureOf("small-cnn").build(
    train.x.dims.slice(1),
    train.classes,
    random,
  );
  const groups = layerGroups(model.graph);
  const enough = new AbortController();
  const taken: number[] = [];
  Object.assign(reading, { milliseconds: 0, rows: 0 });
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
          if (taken.length === 1) waited = reading.milliseconds;
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
  const all = taken[taken.length - 1]! - taken[0]!;
  const share = (reading.milliseconds - waited) / all;
  console.log(
    `${taken.length - 1} steps of ${(all / (taken.length - 1)).toFixed(0)} ms, of which ${(100 * share).toFixed(1)} % waits for images (goal: below 5 %); peak ${peak()} (goal: below 1,500 MB)`,
  );
}

async function attacked({ test }: { test: Dataset }): Promise<void> {
  const random = new Random(2);
  const begun = performance.now();
  const model = architectureOf("small-cnn").build(
    test.x.dims.slice(1),
    test.classes,
    random,
  );
  const { x, y } = takeHeld(
    test,
    Array.from({ length: ATTACKED }, (_, i) => i),
  );
  const unit = attacks.find(({ id }) => id === "pgd");
  if (!unit) throw new Error("pgd is one of the attacks");
  const compiled = await compile(model, onnxruntime);
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
    `${ATTACKED} samples attacked by PGD of 10 steps in ${seconds(begun)}; peak ${peak()}`,
  );
}
