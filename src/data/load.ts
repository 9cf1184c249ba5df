import { z } from "zod";
import { type Dataset, dataset } from "./dataset.ts";
import { type Source, type SourceSamples, sourceId } from "./source.ts";
import { sources } from "./sources/index.ts";
import { validate } from "./validate.ts";

const [first, ...others] = sources;

/** What a suite says about its data. */
export const dataSpecSchema = z.discriminatedUnion("source", [
  first.schema,
  ...others.map((source) => source.schema),
]);

/** The same where there are other sources too. */
export function dataSpecSchemaOf(
  all: readonly Source[],
): typeof dataSpecSchema {
  const [one, ...more] = all.map(({ schema }) => schema);
  return z.discriminatedUnion("source", [one, ...more] as never) as never;
}

export type DataSpec = z.infer<typeof dataSpecSchema>;

/** The same as a person writes it, before defaults. */
export type DataSpecInput = z.input<typeof dataSpecSchema>;

/**
 * Reads and checks a dataset.
 * @param folder where relative paths start: the folder of the suite
 * @param all the sources that there are
 * @throws AssayError naming the file and the sample when something is wrong with it
 */
export async function loadDataset(
  spec: DataSpec,
  folder: string,
  all: readonly Source[] = sources,
): Promise<Dataset> {
  const samples = await read(spec, folder, all);
  validate(samples);
  const { name, x, y, classes, targets, table, texts, parts, positions } =
    samples;
  return dataset(name, x, y, classes, targets, table, texts, parts, positions);
}

function read(
  spec: DataSpec,
  folder: string,
  all: readonly Source[],
): Promise<SourceSamples> {
  const found = all.find((source) => sourceId(source) === spec.source);
  if (found === undefined) {
    throw new TypeError(`"${spec.source}" is not in the list of sources`);
  }
  return found.read(spec, folder);
}
