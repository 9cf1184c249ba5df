import { z } from "zod";
import type { Random } from "#core";
import { stratifiedSample, takeSamples } from "#data";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import { openPlainStep } from "#tuning";
import { type Bytes, matrices, toBytes } from "./eight-bit.ts";
import {
  defineTampering,
  type TamperingInput,
  tamperingParams,
  withChangedWeights,
} from "./tampering.ts";

const taxonomy = {
  atlas: ["AML.T0018.000"],
  owasp: ["ML10:2023", "ML09:2023"],
  nist: ["NISTAML.011", "NISTAML.026"],
};

const levels = z
  .array(z.int().positive())
  .min(1)
  .default([1, 2, 5, 10, 20])
  .describe("flipped bits");

/** The weights as signed bytes, by name, in one fixed order. */
type Stored = Map<string, Bytes>;

const store = (model: Model): Stored =>
  new Map(matrices(model).map(([name, { data }]) => [name, toBytes(data)]));

/** A byte with one bit turned, bit 7 being the sign of two's complement. */
const turned = (byte: number, bit: number): number =>
  ((byte ^ (1 << bit)) << 24) >> 24;

/** The model with the weights that the bytes say. */
const restored = (model: Model, stored: Stored): Model =>
  withChangedWeights(model, (weight, name) => {
    const known = stored.get(name);
    if (known)
      for (let i = 0; i < weight.length; i++)
        weight[i] = known.scale * known.bytes[i]!;
  });

/** As many bits, drawn evenly from all: what a search for bits has to beat. */
export const randomBitFlips = defineTampering({
  id: "random-bit-flips",
  title: "Random bit flips",
  summary:
    "Flips bits of the weights by chance: what a search for bits has to beat.",
  caution:
    "Its harm depends on which bits chance finds: one draw is a sample, not a bound.",
  reference: "control of Rakin et al. 2019, arXiv:1903.12269",
  taxonomy,
  threat: "flips bits of the stored weights by chance, as faulty memory does",
  unit: "flipped bits",
  params: z.strictObject({ ...tamperingParams, levels }),
  levels: (params) => params.levels,
  async tamper({ model, level, random }: TamperingInput<unknown>) {
    const stored = store(model);
    flipByChance(stored, level, random);
    return restored(model, stored);
  },
});

/**
 * Bit-flip attack by progressive bit search (Rakin, He and Fan 2019,
 * arXiv:1903.12269): the weights are stored as eight-bit numbers; in each layer the
 * bit whose flip raises the loss most by its gradient is tried, and the layer where
 * the loss then is highest keeps its flip. One bit at a time, on one batch of clean
 * samples, as the paper does.
 */
export const bitFlips = defineTampering({
  id: "bit-flips",
  title: "Bit-flip attack",
  summary:
    "Looks for the bits of the weights, stored as eight-bit numbers, whose flip does most harm, one at a time.",
  caution:
    "A greedy search on one batch: another batch, or flips of several bits at once, may do more. Where random-bit-flips does as much harm, the check beats-chance warns, and the search shows nothing.",
  reference: "Rakin et al. 2019, arXiv:1903.12269",
  taxonomy,
  threat:
    "knows the weights, stored as eight-bit numbers, has a batch of clean samples, and can flip chosen bits of them in memory",
  unit: "flipped bits",
  params: z.strictObject({
    ...tamperingParams,
    levels,
    batch: z.int().positive().default(128).describe("clean samples"),
  }),
  levels: (params) => params.levels,
  control: randomBitFlips,
  async tamper({ model, level, data, engine, params, random }) {
    const stored = store(model);
    const start = restored(model, stored);
    const count = Math.min(params.batch, data.y.length);
    const seen = takeSamples(
      data,
      stratifiedSample(data, count, random.fork("batch")),
    );
    let gradients = new Map<string, Float32Array>();
    const step = await openPlainStep(start, engine, {
      weights: [...stored.keys()],
      parts: [
        {
          async gradient(batch, at) {
            const found = await at(batch);
            gradients = new Map(
              [...found.gradients].map(([n, g]) => [n, g.slice()]),
            );
            return found;
          },
        },
      ],
    });
    const live = (name: string) => step.weights.get(name) as FloatTensor;
    // At rate 0 a step moves nothing: it tells loss and gradient at the
    // weights as they are.
    const lossNow = async () => (await step.take(seen, 0)).loss;
    try {
      for (let flip = 0; flip < level; flip++) {
        await lossNow();
        const at = gradients;
        let best = { loss: -Infinity, name: "", place: 0, byte: 0 };
        for (const [name, bytes] of stored) {
          const { place, byte } = steepest(at.get(name), bytes);
          const { data: weight } = live(name);
          const before = weight[place]!;
          weight[place] = bytes.scale * byte;
          const loss = await lossNow();
          weight[place] = before;
          if (loss > best.loss) best = { loss, name, place, byte };
        }
        const { bytes, scale } = stored.get(best.name) as Bytes;
        bytes[best.place] = best.byte;
        live(best.name).data[best.place] = scale * best.byte;
      }
    } finally {
      await step.release();
    }
    return restored(model, stored);
  },
});

/** The flip of one bit that raises the loss most, as far as its gradient tells. */
function steepest(
  gradient: Float32Array | undefined,
  { bytes, scale }: Bytes,
): { place: number; byte: number } {
  let best = { gain: -Infinity, place: 0, byte: turned(bytes[0]!, 0) };
  for (let place = 0; place < bytes.length; place++) {
    const byte = bytes[place]!;
    const slope = scale * (gradient?.[place] ?? 0);
    for (let bit = 0; bit < 8; bit++) {
      const flipped = turned(byte, bit);
      const gain = slope * (flipped - byte);
      if (gain > best.gain) best = { gain, place, byte: flipped };
    }
  }
  return best;
}

function flipByChance(stored: Stored, count: number, random: Random): void {
  const all = [...stored.values()];
  const total = all.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const flipped = new Set<number>();
  while (flipped.size < Math.min(count, 8 * total)) {
    const drawn = random.below(8 * total);
    if (flipped.has(drawn)) continue;
    flipped.add(drawn);
    let place = Math.floor(drawn / 8);
    for (const { bytes } of all) {
      if (place < bytes.length) {
        bytes[place] = turned(bytes[place]!, drawn % 8);
        break;
      }
      place -= bytes.length;
    }
  }
}
