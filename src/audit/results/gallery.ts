import { z } from "zod";

/** 8-bit pixels, row-major height x width x channels, in base64. */
export const pictureSchema = z.strictObject({
  width: z.int(),
  height: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  pixels: z.string(),
});

export const exampleSchema = z.strictObject({
  cell: z.string(),
  sample: z.int(),
  label: z.string(),
  cleanPrediction: z.string(),
  /** Null where the outputs do not say how sure the model is. */
  cleanConfidence: z.number().nullable(),
  prediction: z.string(),
  confidence: z.number().nullable(),
  linf: z.number(),
  l2: z.number(),
  original: pictureSchema,
  perturbed: pictureSchema,
  /**
   * Mid-grey is no change; scaled so that eps (linf) or the largest change (l2)
   * is full contrast.
   */
  difference: pictureSchema,
  /**
   * Of a class at each pixel: what is right, and what was said of the sample and of the
   * example, each class in the colour of its number.
   */
  masks: z
    .strictObject({
      truth: pictureSchema,
      clean: pictureSchema,
      attacked: pictureSchema,
    })
    .optional(),
});

/** A text before and after an attack. */
export const textExampleSchema = exampleSchema
  .omit({
    linf: true,
    l2: true,
    original: true,
    perturbed: true,
    difference: true,
    masks: true,
  })
  .extend({
    /** Characters inserted, deleted, replaced or exchanged with a neighbour. */
    edits: z.int(),
    /**
     * Both texts in pieces, in order: alike where nothing changed,
     * otherwise one edit each.
     */
    segments: z.array(
      z.strictObject({ before: z.string(), after: z.string() }),
    ),
  });

export type TextExample = z.infer<typeof textExampleSchema>;

export type Example = z.infer<typeof exampleSchema>;
