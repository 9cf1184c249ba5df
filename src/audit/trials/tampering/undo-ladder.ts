import { type Dataset, stratifiedSample, takeSamples } from "#data";
import { type CompiledModel, compile, type Model } from "#model";
import { batchOfPass, openPlainStep } from "#tuning";
import { countOf, rightOf } from "./robustness.ts";
import type { Property, Undo } from "./undo-properties.ts";

/** What was seen on the way of one training. */
export interface Seen {
  readonly samples: number;
  readonly steps: number;
  /** Samples on which the property holds, and that are right. */
  readonly holds: number;
  readonly right: number;
}

/** A model before any step. */
export async function lookAt(
  model: Model,
  property: Property,
  input: Undo,
): Promise<Seen> {
  const compiled = await compile(model, input.engine);
  const seen = await look(compiled, property, input, 0, 0);
  await compiled.release();
  return seen;
}

async function look(
  model: CompiledModel,
  property: Property,
  { victim: { attacked } }: Undo,
  samples: number,
  steps: number,
): Promise<Seen> {
  return {
    samples,
    steps,
    holds: await property.count(model),
    right: countOf(await rightOf(model, attacked)),
  };
}

/** A training of the ladder. */
interface Way {
  /** As many samples as the suite says; there may be fewer. */
  readonly asked: number;
  readonly rate: number;
  readonly seed: number;
}

export const waysOf = ({
  samples,
  learningRates,
  seeds,
}: Undo["params"]): Way[] =>
  [...new Set(samples)].flatMap((asked) =>
    learningRates.flatMap((rate) =>
      Array.from({ length: seeds }, (_, seed) => ({ asked, rate, seed })),
    ),
  );

/** @param from where it starts */
export const wayName = (from: string, { asked, rate, seed }: Way): string =>
  `${asked} samples at rate ${rate}, seed ${seed}, ${from}`;

/**
 * Every training of the ladder from each start, with what was seen on its way. A start
 * has a name.
 */
export async function climb(
  starts: readonly (readonly [name: string, start: Model])[],
  property: Property,
  input: Undo,
): Promise<Seen[][][]> {
  const ways = waysIn(input.params, property.data);
  const climbed = await input.each(
    starts.flatMap(([from, start]) =>
      ways.map((way) => ({ from, start, way })),
    ),
    ({ from, way }) => wayName(from, way),
    ({ start, way }) => trainOn(start, way, property, input),
  );
  return starts.map((_, i) =>
    climbed.slice(i * ways.length, (i + 1) * ways.length),
  );
}

/** Ways that differ in the samples that there are. */
function waysIn(params: Undo["params"], { y }: Dataset): Way[] {
  const first = new Map(
    params.samples.toReversed().map((n) => [Math.min(n, y.length), n]),
  );
  return waysOf(params).filter(
    ({ asked }) => first.get(Math.min(asked, y.length)) === asked,
  );
}

async function trainOn(
  start: Model,
  { asked, rate: learningRate, seed }: Way,
  property: Property,
  input: Undo,
): Promise<Seen[]> {
  const { params, engine } = input;
  const count = Math.min(asked, property.data.y.length);
  const random = input.random.fork(`ladder ${count} ${seed}`);
  const data = takeSamples(
    property.data,
    stratifiedSample(property.data, count, random.fork("samples")),
  );
  const step = await openPlainStep(start, engine);
  // The weights that the step moves are those that the model is run with.
  const model = await compile(start, engine, { weights: step.weights });
  const seen: Seen[] = [];
  try {
    const last = Math.max(...params.steps);
    for (let s = 1; s <= last; s++) {
      const rows = batchOfPass(count, s, params.batchSize, random);
      await step.take(takeSamples(data, rows), learningRate);
      if (params.steps.includes(s))
        seen.push(await look(model, property, input, count, s));
      input.onProgress(s / last);
    }
  } finally {
    await model.release();
    await step.release();
  }
  return seen;
}
