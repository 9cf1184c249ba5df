import type { z } from "zod";
import { AssayError, type Explained, type Need, type Random } from "#core";
import type { FloatTensor } from "#onnx";
import type { Batch, TrainingContext, TrainingPart } from "../part.ts";

/**
 * Changes training batches so that a model sees more than the data has;
 * validation stays as it is.
 */
export interface Augmentation<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  /** What samples have to be; anything when left out. */
  readonly needs?: readonly Need[];
  /**
   * Whether what it makes of a sample depends on no other sample; beside a private
   * training it has to.
   */
  readonly isAlone?: boolean;
  readonly params: S;
  open(params: z.output<S>, context: TrainingContext): TrainingPart;
}

export function defineAugmentation<S extends z.ZodObject>(
  augmentation: Augmentation<S>,
): Augmentation<S> {
  return augmentation;
}

/** Channels, height and width. */
export type ImageShape = readonly [number, number, number];

/**
 * A part that changes each image by itself, from the sample's own generator.
 *
 * @param change gives the image [C, H, W] to learn from, inside the bounds
 * @throws TRAINING_INPUT when the model does not take images
 */
export function eachImage(
  id: string,
  { model: { contract } }: TrainingContext,
  change: (
    image: Float32Array,
    shape: ImageShape,
    random: Random,
    bounds: readonly [number, number],
  ) => Float32Array,
): TrainingPart {
  const shape = requireImages(id, contract.shape);
  return {
    prepare(batch, { random }) {
      const x = mapRows(batch.x, (row, i) =>
        change(row, shape, random[i]!.fork(id), contract.bounds),
      );
      return { ...batch, x };
    },
  };
}

export function requireImages(
  id: string,
  shape: readonly number[],
): ImageShape {
  if (shape.length === 3) return shape as unknown as ImageShape;
  throw new AssayError(
    "TRAINING_INPUT",
    `augmentation "${id}" needs images of shape [C, H, W], the input has shape [${shape.join(", ")}]`,
    "Remove it from the candidate.",
  );
}

export function mapRows(
  x: FloatTensor,
  change: (row: Float32Array, i: number) => Float32Array,
): FloatTensor {
  const n = x.dims[0] ?? 0;
  const width = x.data.length / Math.max(1, n);
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < n; i++)
    data.set(change(x.data.subarray(i * width, (i + 1) * width), i), i * width);
  return { ...x, data };
}

/**
 * Float targets mixed from those of two rows: `share(i)` of row i's own, the rest of
 * row `other[i]`'s.
 */
export function mixedTargets(
  { targets }: Batch,
  other: readonly number[],
  share: number,
): FloatTensor | undefined {
  if (!targets) return undefined;
  const width = targets.dims[1] ?? 1;
  return mapRows(targets, (row, i) =>
    row.map(
      (v, k) => share * v + (1 - share) * targets.data[other[i]! * width + k]!,
    ),
  );
}
