import type { z } from "zod";
import type { FloatTensor } from "#onnx";
import type { Table } from "#tables";
import type { Dataset, Texts } from "./dataset.ts";

/** What a source read, before it is checked. */
export interface SourceSamples {
  readonly name: string;
  /** `[N, ...shape]`, to be in [0, 1]; token ids as they are. */
  readonly x: FloatTensor;
  /** The class of each sample; 0 for all where there are `targets`. */
  readonly y: Int32Array;
  /** Names of the classes, or of the columns of `targets`. */
  readonly classes: readonly string[];
  /**
   * What the outputs should be, `[N, outputs]`, where a sample has several
   * labels, or values; or the class at each position, -1 where none counts; or a
   * sequence, as `sequencesOf` makes it.
   */
  readonly targets?: FloatTensor;
  /** The shape of the positions, or that there is no alignment. */
  readonly positions?: Dataset["positions"];
  readonly table?: Table;
  /** What the samples are where x are token ids. */
  readonly texts?: Texts;
  /** The part that each sample is in, where the data has a split of its own. */
  readonly parts?: Dataset["parts"] | undefined;
  readonly locate: Locate;
}

/**
 * How a message names the file that holds pixels or labels, or one sample in it
 * (counted from 0).
 */
export type Locate = (part: "pixels" | "labels", sample?: number) => string;

/** What a user writes of a dataset of one kind: a strict object that names the kind. */
export type SourceSchema = z.ZodObject<{ source: z.ZodLiteral<string> }>;

/** A kind of dataset: what the user writes, and how it is read. */
export interface Source<Schema extends SourceSchema = SourceSchema> {
  /** A strict object with the literal key `source`. */
  readonly schema: Schema;
  /** @param folder where relative paths start */
  read(spec: z.infer<Schema>, folder: string): Promise<SourceSamples>;
}

/** Ties the types of a source together. */
export function defineSource<Schema extends SourceSchema>(
  source: Source<Schema>,
): Source<Schema> {
  return source;
}

/** What a suite calls a source. */
export const sourceId = ({ schema }: Source): string =>
  schema.shape.source.value;
