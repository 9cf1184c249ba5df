import { z } from "zod";
import { neuronsOf } from "#model";
import { floats, sizeOf } from "#onnx";
import { rowOf } from "../evasion/vectors.ts";
import { defineCrafting } from "./crafting.ts";
import { cutParam, throughBase } from "./surrogate.ts";

/** The grey of the authors' blank image. */
const BLANK = 100 / 255;

/**
 * Target-agnostic activation attack (Rezaei and Liu 2020, arXiv:1904.04334): for
 * each neuron before the head an image in which it alone is active, by gradient
 * descent on |f(x) - M e_i|^2 from a blank image. Whatever head a candidate has,
 * some neuron leads to each of its classes.
 *
 * Neurons are taken before their activation, as in the authors' code. Its M of
 * 100,000 and rate of 0.1 are for VGGFace on pixels up to 255; here M is so many
 * times the largest number that the neurons have on the blank image, and the rate
 * is such that the first step changes no pixel by more than a share of the bounds.
 * Images are clipped into the bounds after each step, which the code does not do.
 */
export const headAgnostic = defineCrafting({
  id: "head-agnostic",
  title: "Head-agnostic activation",
  summary:
    "Makes an image for each neuron before the head in which it alone is active; whatever head a candidate has, some of them lead to each of its classes with much confidence.",
  caution:
    "Where random images or those of an unrelated base do as well, the check beats-controls warns: the candidate is sure of anything. All neurons are tried, so attempts are not those of the paper.",
  kind: "activation",
  reference: "Rezaei and Liu 2020, arXiv:1904.04334",
  taxonomy: throughBase,
  threat:
    "holds the base and shows inputs to the candidate, of which it sees the answers",
  params: z.strictObject({
    cut: cutParam
      .optional()
      .describe(
        "where the neurons are; those that the head reads, before their activation, when left out",
      ),
    strength: z
      .number()
      .positive()
      .default(1000)
      .describe("M, in units of the largest neuron on the blank image"),
    steps: z.int().positive().default(50).describe("steps of the descent"),
    relStepSize: z
      .number()
      .positive()
      .default(0.1)
      .describe(
        "the longest change of a pixel in the first step, as a share of the bounds",
      ),
    tries: z
      .int()
      .positive()
      .default(4095)
      .describe("the most neurons that are tried"),
  }),
  async craft({ base, params, onProgress }) {
    const { shape, bounds } = base.model.contract;
    const [low, high] = bounds;
    const part = await base.featuresAt(params.cut ?? neuronsOf(base.model));
    const width = part.model.classes.length;
    const n = Math.min(width, params.tries);
    const size = n * sizeOf(shape);
    const images = floats(
      [n, ...shape],
      new Float32Array(size).fill(low + BLANK * (high - low)),
    );
    const blank = rowOf(await part.logits(images), 0);
    const largest = blank.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const targets = floats([n, width], new Float32Array(n * width));
    for (let i = 0; i < n; i++)
      targets.data[i * width + i] = params.strength * (largest || 1);
    const rates = new Float64Array(n);
    for (let step = 0; step < params.steps; step++) {
      onProgress(step / params.steps);
      const { gradient } = await part.lossGradient(images, new Int32Array(n), {
        targets,
      });
      for (let i = 0; i < n; i++) {
        const [image, slope] = [rowOf(images, i), rowOf(gradient, i)];
        if (step === 0) {
          const steepest = slope.reduce((m, g) => Math.max(m, Math.abs(g)), 0);
          rates[i] =
            steepest > 0 ? (params.relStepSize * (high - low)) / steepest : 0;
        }
        for (let k = 0; k < image.length; k++) {
          const next = image[k]! - rates[i]! * slope[k]!;
          image[k] = Math.min(high, Math.max(low, next));
        }
      }
    }
    return images;
  },
});
