import { AssayError, encodeNpy, jsonText } from "#core";
import {
  type Cell,
  type Examples,
  fatesOf,
  type Kept,
  type NamedFile,
  type Reporter,
  type Results,
  type Rows,
} from "#results";
import { fileName } from "../file-name.ts";
import { verdictOf } from "../judgements.ts";
import { encodePng } from "../png.ts";

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
      "Name the folder that the suite was run into, from where it was run, with the engine that it was run by.",
    );
  yield { name: "index.jsonl", content: index.join("") };
  yield { name: "about.json", content: jsonText(about(results, cells)) };
}

const isRows = (samples: Examples["clean"]): samples is Rows =>
  "dims" in samples;

/** Channels, height and width of samples that are pictures. */
function imageOf({ attacked }: Examples): [1 | 3, number, number] | null {
  if (!isRows(attacked) || attacked.dims.length !== 4) return null;
  const [, channels, height, width] = attacked.dims;
  return channels === 1 || channels === 3 ? [channels, height!, width!] : null;
}

/** The images that an attack broke. */
async function* pictures(
  { outcomes }: Cell,
  made: Examples,
  folder: string,
): AsyncGenerator<NamedFile> {
  const image = imageOf(made);
  if (!image) return;
  const [channels, height, width] = image;
  const area = height * width;
  const { data } = made.attacked as Rows;
  for (const [i, fate] of fatesOf(outcomes).entries()) {
    if (fate !== "broken") continue;
    const row = data.subarray(i * channels * area, (i + 1) * channels * area);
    const pixels = Uint8Array.from(row, (_, at) =>
      Math.round(
        255 *
          Math.min(
            1,
            Math.max(
              0,
              row[(at % channels) * area + Math.floor(at / channels)]!,
            ),
          ),
      ),
    );
    yield {
      name: pictureName(folder, i),
      content: await encodePng(pixels, { channels, height, width }),
    };
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
  const image = imageOf(made);
  return fatesOf(cell.outcomes).map((outcome, i) => {
    const line = {
      cell: cell.id,
      candidate: cell.candidate,
      defense: cell.defense,
      attack: cell.attack,
      threatModel: cell.threatModel.id,
      trusted: cell.trusted,
      sample: i,
      label: made.labels[i],
      outcome,
      queriesToBreak: cell.queriesToBreak[i] || null,
      ...(isRows(made.attacked)
        ? {
            changed: distances(made, i),
            file: `${folder}/attacked.npy`,
            cleanFile,
            ...(image && outcome === "broken"
              ? { picture: pictureName(folder, i) }
              : {}),
            ...(made.columns ? rowOf(made, made.columns, i) : {}),
          }
        : {
            clean: (made.clean as readonly string[])[i],
            attacked: made.attacked[i],
          }),
    };
    // Other line ends would be ends of lines to some readers.
    return `${JSON.stringify(line).replace(/[\u0085\u2028\u2029]/g, escapeOf)}\n`;
  });
}

const escapeOf = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A row of a table before and after, with its columns. */
const rowOf = (made: Examples, columns: readonly string[], i: number) => {
  const at = ({ data, dims: [, width = 0] }: Rows) =>
    columns.map((name, k) => [name, data[i * width + k]]);
  return { clean: at(made.clean as Rows), attacked: at(made.attacked as Rows) };
};

/** How far a sample was moved. */
function distances({ clean, attacked }: Examples, i: number) {
  const [one, other] = [clean as Rows, attacked as Rows];
  const width = other.data.length / other.dims[0]!;
  let [linf, square, l0] = [0, 0, 0];
  for (let k = i * width; k < (i + 1) * width; k++) {
    const change = Math.abs(other.data[k]! - one.data[k]!);
    linf = Math.max(linf, change);
    square += change * change;
    if (change > 0) l0++;
  }
  return { linf, l2: Math.sqrt(square), l0 };
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
