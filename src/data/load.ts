import { z } from "zod";
import { type Dataset, dataset } from "./dataset.ts";
import type { Samples, Source } from "./source.ts";
import { sources } from "./sources/index.ts";
import { validate } from "./validate.ts";

const [first, ...others] = sources;

/** What a suite says about its data. */
export const dataSpecSchema = z.discriminatedUnion("source", [
  first.schema,
  ...others.map((source) => source.schema),
]);

export type DataSpec = z.infer<typeof dataSpecSchema>;

/**
 * Reads and checks a dataset.
 * @param folder where relative paths start: the folder of the suite
 * @throws AssayError naming the file and the sample when something is wrong with it
 */
export async function loadDataset(
  spec: DataSpec,
  folder: string,
): Promise<Dataset> {
  const samples = await read(spec, folder);
  validate(samples);
  const { name, x, y, classes, targets, table, texts, parts, positions } =
    samples;
  return dataset(name, x, y, classes, targets, table, texts, parts, positions);
}

function read(spec: DataSpec, folder: string): Promise<Samples> {
  const found: Source | undefined = sources.find(
    ({ schema }) => schema.shape.source.value === spec.source,
  );
  if (found === undefined) {
    throw new TypeError(`"${spec.source}" is not in the list of sources`);
  }
  return found.read(spec, folder);
}
