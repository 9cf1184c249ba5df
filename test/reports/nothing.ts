import type { Kept, NamedFile, Reporter, Results } from "#results";

/** A run of which nothing is kept but its results. */
export const nothing: Kept = { examplesOf: async () => undefined, works: [] };

/** What a reporter writes, as text. */
export const textOf = (reporter: Reporter, results: Results): string =>
  reporter.render(results, nothing) as string;

/** The files that a reporter writes, by name. */
export async function filesOf(
  reporter: Reporter,
  results: Results,
  kept: Kept = nothing,
): Promise<Map<string, NamedFile["content"]>> {
  const files = new Map<string, NamedFile["content"]>();
  const rendered = reporter.render(results, kept);
  for await (const { name, content } of rendered as AsyncIterable<NamedFile>)
    files.set(name, content);
  return files;
}

const rows = { dims: [50, 2], data: new Float32Array(100) };

/** A run of 50 samples in each cell, whose examples are kept. */
export const kept: Kept = {
  ...nothing,
  examplesOf: async () => ({
    clean: rows,
    attacked: rows,
    columns: null,
    labels: Array<string>(50).fill("a"),
  }),
};
