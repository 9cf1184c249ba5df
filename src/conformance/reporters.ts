import type { Content, Kept, Reporter, Results } from "#results";
import { kinds } from "#units";
import { ensure, type Law } from "./law.ts";

/** A run of which nothing but the results is kept. */
const nothing: Kept = { examplesOf: async () => undefined, works: [] };

/** All that a reporter writes, a file after the other. */
async function written(
  unit: Reporter,
  results: Results,
  kept: Kept,
): Promise<[string, Content][]> {
  const made = await unit.render(results, kept);
  if (typeof made === "string" || made instanceof Uint8Array)
    return [[unit.file, made]];
  const files: [string, Content][] = [];
  for await (const { name, content } of made) files.push([name, content]);
  return files;
}

/**
 * The laws of reporters.
 *
 * @param results documents that they are tried on, such as those of a short run
 * @param kept what there is of the run besides; nothing when left out
 * @example
 * ```ts
 * import { readResults } from "assay";
 * import { reporterLaws } from "assay/conformance";
 * import { lines } from "./lines.ts";
 *
 * const results = await readResults("runs/first");
 * for (const { title, check } of reporterLaws(lines, [results])) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function reporterLaws(
  unit: Reporter,
  results: readonly Results[],
  kept: Kept = nothing,
): Law[] {
  return [
    {
      title:
        "gives the same bytes for the same results, and leaves them as they are",
      async check() {
        for (const one of results) {
          const before = JSON.stringify(one);
          const first = await written(unit, one, kept);
          const again = await written(
            unit,
            JSON.parse(before) as Results,
            kept,
          );
          const text = (files: [string, Content][]) =>
            files.map(([name, content]) => [
              name,
              Buffer.from(content as Uint8Array).toString("base64"),
            ]);
          ensure(
            JSON.stringify(text(first)) === JSON.stringify(text(again)),
            "the same results give other bytes",
          );
          ensure(JSON.stringify(one) === before, "the results were changed");
        }
      },
    },
    {
      title: "says what it is",
      async check() {
        const { error } = kinds.reporter.shape.safeParse(unit);
        const [issue] = error?.issues ?? [];
        ensure(
          !issue,
          `${issue?.path.map(String).join(".")}: ${issue?.message}`,
        );
      },
    },
  ];
}
