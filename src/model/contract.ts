import { z } from "zod";
import { AssayError, byName } from "#core";
import type { ValueInfo } from "#onnx";

const perChannel = z.union([z.number(), z.array(z.number()).min(1)]);

/** How a suite describes the input of a model that did not come from Assay. */
export const contractSchema = z.strictObject({
  /**
   * The input that attacks change; may be left out when the model has only one of
   * several dimensions.
   */
  name: z.string().optional(),
  /** [channels, height, width]; taken from the model when left out. */
  shape: z.array(z.int().positive()).min(1).optional(),
  /**
   * Told by the shape when left out: channels last where only the last
   * dimension is 1 or 3.
   */
  layout: z.enum(["NCHW", "NHWC"]).optional(),
  /** Range of the raw input that attacks keep to; eps is in this unit. */
  bounds: z.tuple([z.number(), z.number()]).default([0, 1]),
  /**
   * The model receives (raw * scale - mean) / std; 255 when left out for a model that
   * takes uint8, and 1 otherwise.
   */
  scale: z.number().positive().optional(),
  mean: perChannel.default(0),
  std: perChannel.default(1),
  /**
   * What every other input gets: a number, "mask" (1 except at padding) or
   * "positions" (0, 1, 2 …).
   */
  others: byName(z.union([z.number(), z.enum(["mask", "positions"])])).default(
    new Map(),
  ),
  /** The token that fills up short texts. */
  padding: z.int().nonnegative().default(0),
});

/**
 * What a model expects of its raw input, and what it says. Preprocessing is
 * inside the graph.
 */
export interface InputContract {
  /**
   * Shape of one sample, without the batch: [C, H, W] for images, [length] for tokens.
   */
  readonly shape: readonly number[];
  readonly bounds: readonly [number, number];
}

/**
 * The shape of one sample, from the suite where stated and from the graph otherwise.
 * Throws MODEL_INPUT.
 */
export function sampleShape(
  input: ValueInfo,
  stated: readonly number[] | undefined,
  file: string,
): number[] {
  const declared = input.dims?.slice(1);
  if (declared === undefined) {
    if (stated) return [...stated];
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: the shape of input "${input.name}" is not recorded`,
      "State it in the suite: input: { shape: [3, 224, 224] }.",
    );
  }
  if (stated && stated.length !== declared.length) {
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: input "${input.name}" has ${declared.length} dimensions after the batch, the suite states ${stated.length}`,
      "Make input.shape match the model (without the batch dimension).",
    );
  }
  return declared.map((dim, i) => {
    const size = stated?.[i];
    if (typeof dim === "number") {
      if (size === undefined || size === dim) return dim;
      throw new AssayError(
        "MODEL_INPUT",
        `${file}: dimension ${i + 1} of input "${input.name}" is ${dim}, the suite states ${size}`,
        declared.length === 1
          ? `Make input.shape, or length of the data, ${dim} as in the model.`
          : "Make input.shape match the model (without the batch dimension).",
      );
    }
    if (size !== undefined) return size;
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: dimension ${i + 1} of input "${input.name}" is open (${dim ?? "unknown"})`,
      "State it in the suite: input: { shape: [3, 224, 224] }.",
    );
  });
}
