import {
  type Cell,
  type Examples,
  type Fate,
  fatesOf,
  type Rows,
} from "#results";
import { encodePng } from "./png.ts";

/** What is shown of a sample that is a picture. */
export type Side = "clean" | "attacked" | "difference";

export const isRows = (samples: Examples["clean"]): samples is Rows =>
  "dims" in samples;

/** Channels, height and width of samples that are pictures. */
function imageOf({ attacked }: Examples): [1 | 3, number, number] | null {
  if (!isRows(attacked) || attacked.dims.length !== 4) return null;
  const [, channels, height, width] = attacked.dims;
  return channels === 1 || channels === 3 ? [channels, height!, width!] : null;
}

/** Whether samples are pictures. */
export const arePictures = (made: Examples): boolean => imageOf(made) !== null;

/**
 * A sample as a PNG; undefined where samples are no pictures. In a difference mid-grey
 * is no change, and the largest change of the sample has full contrast.
 */
export async function samplePicture(
  made: Examples,
  sample: number,
  side: Side,
): Promise<Buffer | undefined> {
  const image = imageOf(made);
  if (!image) return undefined;
  const [channels, height, width] = image;
  const area = height * width;
  const row = valuesOf(made, sample, side);
  const pixels = Uint8Array.from(row, (_, at) =>
    Math.round(
      255 *
        Math.min(
          1,
          Math.max(0, row[(at % channels) * area + Math.floor(at / channels)]!),
        ),
    ),
  );
  return encodePng(pixels, { channels, height, width });
}

/** The numbers of a sample in [0, 1], channel by channel. */
function valuesOf(made: Examples, sample: number, side: Side): Float32Array {
  const of = ({ data, dims: [n = 1] }: Rows) =>
    data.subarray((sample * data.length) / n, ((sample + 1) * data.length) / n);
  const [clean, attacked] = [of(made.clean as Rows), of(made.attacked as Rows)];
  if (side !== "difference") return side === "clean" ? clean : attacked;
  const change = attacked.map((v, i) => v - clean[i]!);
  const largest = change.reduce(
    (most, v) => Math.max(most, Math.abs(v)),
    1e-12,
  );
  return change.map((v) => 0.5 + (0.5 * v) / largest);
}

/** What there is to say of a sample of a cell, as plain values. */
export interface Sample {
  readonly cell: string;
  readonly candidate: string;
  readonly defense: string;
  readonly attack: string;
  readonly threatModel: string;
  readonly trusted: boolean;
  readonly sample: number;
  readonly label: string | undefined;
  readonly outcome: Fate;
  readonly queriesToBreak: number | null;
  /** How far it was moved; absent of texts. */
  readonly changed?: { linf: number; l2: number; l0: number };
  /** Texts, or columns with their values; absent of other numbers. */
  readonly clean?: string | Columns;
  readonly attacked?: string | Columns;
}

/** A row of a table: its columns with their values. */
export type Columns = readonly (readonly [name: string, value: number])[];

/** @param i the place of the sample among the outcomes of the cell */
export const sampleOf = (cell: Cell, made: Examples, i: number): Sample => ({
  cell: cell.id,
  candidate: cell.candidate,
  defense: cell.defense,
  attack: cell.attack,
  threatModel: cell.threatModel.id,
  trusted: cell.trusted,
  sample: i,
  label: made.labels[i],
  outcome: fatesOf(cell.outcomes[i] ?? "")[0] ?? "absent",
  queriesToBreak: cell.queriesToBreak[i] || null,
  ...(isRows(made.attacked)
    ? {
        changed: distances(made, i),
        ...(made.columns ? rowOf(made, made.columns, i) : {}),
      }
    : {
        clean: (made.clean as readonly string[])[i],
        attacked: made.attacked[i],
      }),
});

/** Plain values as a line of JSON. Other line ends would be ends of lines to some. */
export const jsonLine = (value: object): string =>
  `${JSON.stringify(value).replace(/[\u0085\u2028\u2029]/g, escapeOf)}\n`;

const escapeOf = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A row of a table before and after, with its columns. */
const rowOf = (made: Examples, columns: readonly string[], i: number) => {
  const at = ({ data, dims: [, width = 0] }: Rows) =>
    columns.map((name, k) => [name, data[i * width + k]!] as const);
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
