import { AssayError, encodeNpy, jsonText } from "#core";
import {
  type Cell,
  type Examples,
  type Kept,
  type NamedFile,
  type Reporter,
  type Results,
  samplesThatAre,
} from "#results";
import { fileName } from "../file-name.ts";
import { verdictOf } from "../judgements.ts";
import {
  arePictures,
  isRows,
  jsonLine,
  sampleOf,
  samplePicture,
} from "../samples.ts";

/** What attacks made of the samples. */
export const examples: Reporter = {
  id: "examples",
  title: "Adversarial examples",
  summary:
    "The samples of every cell as they were attacked: arrays of NumPy, a PNG of each image that the attack broke, texts and rows of tables in the index, which says of each sample its label and what became of it. They are read from the folder of the run, with its suite and data.",
  reference: "NumPy, NPY format version 1.0; JSON Lines",
  file: "adversarial-examples",
  render,
};

async function* render(
  results: Results,
  kept: Kept,
): AsyncGenerator<NamedFile> {
  const clean = new Map<unknown, string>();
  const index: string[] = [];
  const cells: unknown[] = [];
  for (const cell of results.cells) {
    const made = await kept.examplesOf(cell.id);
    if (!made) continue;
    const folder = `cells/${fileName(cell.id)}`;
    if (isRows(made.clean) && !clean.has(made.clean)) {
      const name = `clean-${clean.size + 1}.npy`;
      clean.set(made.clean, name);
      yield { name, content: encodeNpy(made.clean) };
    }
    if (isRows(made.attacked))
      yield {
        name: `${folder}/attacked.npy`,
        content: encodeNpy(made.attacked),
      };
    yield* pictures(cell, made, folder);
    index.push(...linesOf(cell, made, folder, clean.get(made.clean)));
    cells.push(aboutCell(cell));
  }
  if (cells.length === 0)
    throw new AssayError(
      "EXAMPLES_MISSING",
      "no examples of these results are in the folder of the run",
      "Name the folder that the suite was run into, from where it was run.",
    );
  yield { name: "index.jsonl", content: index.join("") };
  yield { name: "about.json", content: jsonText(about(results, cells)) };
}

/** The images that an attack broke. */
async function* pictures(
  { outcomes }: Cell,
  made: Examples,
  folder: string,
): AsyncGenerator<NamedFile> {
  for (const sample of arePictures(made)
    ? samplesThatAre(outcomes, "broken")
    : []) {
    const picture = await samplePicture(made, sample, "attacked");
    yield { name: pictureName(folder, sample), content: picture! };
  }
}

const pictureName = (folder: string, sample: number): string =>
  `${folder}/${sample}.png`;

/** A line for each sample of a cell. */
function linesOf(
  cell: Cell,
  made: Examples,
  folder: string,
  cleanFile: string | undefined,
): string[] {
  const isPicture = arePictures(made);
  return Array.from(cell.outcomes, (_, i) => {
    const { outcome, ...said } = sampleOf(cell, made, i);
    return jsonLine({
      ...said,
      outcome,
      ...(isRows(made.attacked)
        ? {
            file: `${folder}/attacked.npy`,
            cleanFile,
            ...(isPicture && outcome === "broken"
              ? { picture: pictureName(folder, i) }
              : {}),
          }
        : {}),
    });
  });
}

const aboutCell = (cell: Cell) => ({
  id: cell.id,
  folder: `cells/${fileName(cell.id)}`,
  robustAccuracy: cell.robustAccuracy,
  trusted: cell.trusted,
  failedChecks: cell.checks
    .filter(({ status }) => status === "failed")
    .map(({ message }) => message),
  adaptive: cell.adaptive,
  threatModel: cell.threatModel,
  reproduce: cell.reproduce,
});

const about = (results: Results, cells: readonly unknown[]) => ({
  title: results.title,
  verdict: verdictOf(results),
  numbers: "in [0, 1], as the data is; sample i is row i",
  provenance: results.provenance,
  cells,
  withoutExamples: results.cells.length - cells.length,
  missing: results.missing ?? [],
});
