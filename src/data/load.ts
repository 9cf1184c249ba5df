import { z } from "zod";
import { type Dataset, dataset } from "./dataset.ts";
import type { Samples } from "./source.ts";
import { sources } from "./sources/index.ts";
import { validate } from "./validate.ts";

type SchemasOf<List extends readonly { schema: unknown }[]> = {
  readonly [I in keyof List]: List[I]["schema"];
};

// `map` forgets which schema came from which place of the list.
const schemas = sources.map((source) => source.schema) as unknown as SchemasOf<
  typeof sources
>;

/** What a suite says about its data. */
export const dataSpecSchema = z.discriminatedUnion("source", schemas);

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
  const { name, x, y, classes, targets, table, texts } = samples;
  return dataset(name, x, y, classes, targets, table, texts);
}

function read(spec: DataSpec, folder: string): Promise<Samples> {
  const found = sources.find(
    ({ schema }) => schema.shape.source.value === spec.source,
  );
  if (found === undefined) {
    throw new TypeError(`"${spec.source}" is not in the list of sources`);
  }
  // The source with this name is the one that takes this spec.
  return found.read(spec as never, folder);
}
