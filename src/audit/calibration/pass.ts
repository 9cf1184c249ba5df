import type { Dataset } from "#data";
import type { Engine } from "#engine";
import { compile, type Model, whyNoGradient } from "#model";
import { type FloatTensor, rows } from "#onnx";

/** What one pass of a model costs here. */
export interface Pass {
  /** Seconds of each sample, forth and back where there is a gradient. */
  readonly seconds: number;
  /** Bytes of this process with data and model. */
  readonly memory: number;
}

const BATCH = 32;

/** Milliseconds for which it is measured. */
const LONG = 500;

/** Measures passes of a model on samples, in about half a second. */
export async function passOf(
  model: Model,
  { x, y, targets }: Dataset,
  engine: Engine,
): Promise<Pass> {
  const count = Math.min(BATCH, y.length);
  const part = rows(x, 0, count) as FloatTensor;
  const what = {
    targets: targets && (rows(targets, 0, count) as FloatTensor),
  };
  const compiled = await compile(model, engine);
  const pass = async () =>
    whyNoGradient(model) === null
      ? compiled.lossGradient(part, y.subarray(0, count), what)
      : compiled.logits(part);
  try {
    // The first one compiles.
    await pass();
    const since = performance.now();
    let passes = 0;
    do {
      await pass();
      passes++;
    } while (performance.now() - since < LONG);
    return {
      seconds: (performance.now() - since) / 1000 / passes / count,
      memory: process.memoryUsage.rss(),
    };
  } finally {
    await compiled.release();
  }
}
