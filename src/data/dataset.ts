import { createHash } from "node:crypto";
import { AssayError, hashOf, nearest, sha256, UsageError } from "#core";
import {
  byParts,
  type FloatTensor,
  held,
  isStreamed,
  sizeOf,
  someRows,
  span,
  takeRows,
} from "#onnx";
import type { Table } from "#tables";
import type { Dialogues } from "./dialogues/dialogue.ts";

/** The texts that token ids were made of. */
export interface Texts {
  readonly strings: readonly string[];
  readonly reader: TextReader;
  /** Of a language model: the prompts and answers that they are made of. */
  readonly dialogues?: Dialogues;
}

/**
 * How a model's token ids are made of a text: the repairs that the data states,
 * then its tokenizer.
 */
export interface TextReader {
  read(text: string): number[];
  /**
   * Where each word of a text has its first token, where words have classes: Infinity
   * for one that is cut off; null where words do not become tokens one by one.
   */
  places?(text: string): number[] | null;
  /** Words of letters that are tokens by themselves, in lower case. */
  readonly words: ReadonlySet<string>;
  /** The hash of all that ids depend on. */
  readonly hash: string;
}

/** What a sample is for. */
export type Part = "train" | "validation" | "test";

/**
 * Labelled images, rows of a table, or texts. A value: functions make new ones and
 * leave their arguments as they were.
 */
export interface Dataset {
  readonly name: string;
  /**
   * Pixels, `[N, C, H, W]`, or the numbers of rows, `[N, width]`, each in [0, 1]; or
   * token ids, `[N, length]`, which float32 holds exactly up to 2^24. Where they are
   * many they may be streamed: `takeRows` and `rows` read some of them, and `data`, or
   * `held` for good, all.
   */
  readonly x: FloatTensor;
  /**
   * The class of each sample, as an index into `classes`; 0 for all where `targets`
   * say what is right.
   */
  readonly y: Int32Array;
  /** Names of the classes, also of positions, or of the columns of `targets`. */
  readonly classes: string[];
  /**
   * What each sample's outputs should be, `[N, outputs]`, where it is not one class:
   * the labels that hold (1) and do not (0), or values; or the class at each position,
   * `[N, positions]`, -1 where none counts; or a sequence of classes, as `sequencesOf`
   * makes it.
   */
  readonly targets?: FloatTensor;
  /**
   * The shape of the positions, [H, W] or [length], where targets are theirs;
   * "unaligned" where they are sequences.
   */
  readonly positions?: readonly number[] | "unaligned";
  /** What the numbers of a row mean, and which rows there can be. */
  readonly table?: Table;
  /** What the samples are where x are token ids. */
  readonly texts?: Texts;
  /**
   * The part that each sample is in, null for none, where the data has a split of
   * its own.
   */
  readonly parts?: readonly (Part | null)[];
  /**
   * SHA-256 of pixels or texts, labels or targets, and classes; neither the name nor
   * where the files lie counts.
   */
  readonly fingerprint: string;
}

/** A dataset from its parts. The fingerprint is computed when it is first read. */
export function dataset(
  name: string,
  x: FloatTensor,
  y: Int32Array,
  classes: readonly string[],
  targets?: FloatTensor,
  table?: Table,
  texts?: Texts,
  parts?: Dataset["parts"],
  positions?: Dataset["positions"],
): Dataset {
  let known: string | undefined;
  return {
    name,
    x,
    y,
    classes: [...classes],
    targets,
    table,
    texts,
    parts,
    positions,
    // Training takes many small batches that nobody asks for a fingerprint.
    get fingerprint() {
      known ??= hashOf({
        dims: x.dims,
        x: hashOfRows(x),
        y: sha256(bytesOf(y)),
        classes,
        targets: targets && sha256(bytesOf(targets.data)),
        positions,
        texts: texts && hashOf(texts.strings),
        reader: texts?.reader.hash,
        dialogues: texts?.dialogues && hashOf(texts.dialogues.each),
      });
      return known;
    },
  };
}

/** The most values whose hash is that of all their bytes in a row. */
const HASHED_WHOLE = 2 ** 30;

/** The hash of values; of very many, that of what is known of each row. */
function hashOfRows(x: FloatTensor): string {
  const size = sizeOf(x.dims);
  const width = size / Math.max(1, x.dims[0] ?? 0);
  const hash = createHash("sha256");
  const each = isStreamed(x) && size > HASHED_WHOLE ? x : undefined;
  if (each?.hashOf?.(0)) {
    for (const row of span(0, x.dims[0] ?? 0))
      hash.update(each.hashOf(row) as Uint8Array);
    return hash.digest("hex");
  }
  for (const { data } of byParts(x))
    if (!each) hash.update(bytesOf(data));
    else
      for (let at = 0; at < data.length; at += width)
        hash.update(sha256(bytesOf(data.subarray(at, at + width))));
  return hash.digest("hex");
}

function bytesOf(array: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * The samples at the given indices, in that order, copied. Throws DATA_INDEX for an
 * index out of range.
 */
export function takeSamples(
  data: Dataset,
  indices: readonly number[],
): Dataset {
  const size = data.y.length;
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= size) {
      throw new AssayError(
        "DATA_INDEX",
        `sample ${index} was asked of ${data.name}, which has samples 0 to ${size - 1}`,
        "Take indices from a split or a sample of the same dataset.",
      );
    }
  }
  return dataset(
    data.name,
    someRows(data.x, indices),
    Int32Array.from(indices, (index) => data.y[index]!),
    data.classes,
    data.targets && takeRows(data.targets, indices),
    data.table,
    textsAt(data, indices),
    data.parts && indices.map((i) => data.parts![i]!),
    data.positions,
  );
}

/** The same, all of them held in memory as floats. */
export const takeHeld = (data: Dataset, indices: readonly number[]): Dataset =>
  heldSamples(takeSamples(data, indices));

/** The data with all its samples held in memory as floats, as attacks take them. */
export const heldSamples = (data: Dataset): Dataset =>
  isStreamed(data.x) ? withRows(data, held(data.x)) : data;

/** The data with the same samples in another form. */
const withRows = (
  { name, y, classes, targets, table, texts, parts, positions }: Dataset,
  x: FloatTensor,
): Dataset =>
  dataset(name, x, y, classes, targets, table, texts, parts, positions);

/** The data with this split, or with none of its own. */
export const withParts = (
  { name, x, y, classes, targets, table, texts, positions }: Dataset,
  parts: Dataset["parts"],
): Dataset =>
  dataset(name, x, y, classes, targets, table, texts, parts, positions);

/**
 * Keeps the samples of the named classes, relabelled 0 to k-1 in the order of the
 * names. The samples keep their order. Of targets it keeps the named columns, and
 * every sample; positions of other classes no longer count.
 *
 * @throws DATA_CLASSES for no name and a name twice, and where sequences have other
 *   classes; DATA_CLASS_UNKNOWN for one that is not a class of the dataset
 * @example
 * ```ts
 * import { loadData, selectClasses } from "assay";
 *
 * const digits = await loadData({ source: "digits" });
 * const { classes, y } = selectClasses(digits, ["3", "8"]);
 * console.log(classes, Math.max(...y)); // [ '3', '8' ] 1
 * ```
 */
export function selectClasses(
  data: Dataset,
  classes: readonly string[],
): Dataset {
  if (classes.length === 0) {
    throw new UsageError(
      "DATA_CLASSES",
      `no class of ${data.name} was selected`,
      `Name at least one of: ${listed(data.classes)}.`,
    );
  }
  const labels = new Map<number, number>();
  for (const [label, name] of classes.entries()) {
    const old = data.classes.indexOf(name);
    if (old < 0) throw unknownClass(name, data);
    if (labels.has(old)) {
      throw new UsageError(
        "DATA_CLASSES",
        `class "${name}" was selected twice`,
        "Name each class once.",
      );
    }
    labels.set(old, label);
  }
  if (data.targets)
    return dataset(
      data.name,
      data.x,
      data.y,
      classes,
      data.positions
        ? relabelled(data, data.targets, labels)
        : columns(data.targets, [...labels.keys()]),
      data.table,
      data.texts,
      data.parts,
      data.positions,
    );
  const indices: number[] = [];
  data.y.forEach((label, index) => {
    if (labels.has(label)) indices.push(index);
  });
  return dataset(
    data.name,
    someRows(data.x, indices),
    Int32Array.from(indices, (index) => labels.get(data.y[index]!) as number),
    classes,
    undefined,
    data.table,
    textsAt(data, indices),
    data.parts && indices.map((i) => data.parts![i]!),
  );
}

/** The texts of some samples, where samples are texts. */
export const textsAt = (
  { texts }: Dataset,
  indices: readonly number[],
): Texts | undefined =>
  texts && {
    ...texts,
    strings: indices.map((i) => texts.strings[i]!),
    dialogues: texts.dialogues && {
      ...texts.dialogues,
      each: indices.map((i) => texts.dialogues!.each[i]!),
    },
  };

/** The classes of positions by their new numbers. */
function relabelled(
  { name, classes, positions }: Dataset,
  targets: FloatTensor,
  labels: ReadonlyMap<number, number>,
): FloatTensor {
  if (positions !== "unaligned")
    return {
      ...targets,
      data: targets.data.map((old) => labels.get(old) ?? -1),
    };
  const width = targets.dims[1] ?? 1;
  const other = targets.data.find(
    (old, i) => i % width > 0 && old >= 0 && !labels.has(old),
  );
  if (other !== undefined)
    throw new UsageError(
      "DATA_CLASSES",
      `${name} has "${classes[other]}" in its sequences, which was not selected`,
      "Select every class that a sequence has.",
    );
  const renamed = (old: number, i: number) =>
    i % width === 0 || old < 0 ? old : (labels.get(old) as number);
  return { ...targets, data: targets.data.map(renamed) };
}

/** Some columns of a matrix, in this order. */
function columns(
  { data, dims }: FloatTensor,
  chosen: readonly number[],
): FloatTensor {
  const [n = 0, width = 0] = dims;
  const kept = new Float32Array(n * chosen.length);
  for (let i = 0; i < n; i++)
    for (const [k, column] of chosen.entries())
      kept[i * chosen.length + k] = data[i * width + column]!;
  return { type: "float32", dims: [n, chosen.length], data: kept };
}

/**
 * The label of a class by its name.
 *
 * @throws DATA_CLASS_UNKNOWN
 */
export function labelOf(
  className: string,
  data: Pick<Dataset, "name" | "classes">,
): number {
  const label = data.classes.indexOf(className);
  if (label < 0) throw unknownClass(className, data);
  return label;
}

function unknownClass(
  name: string,
  data: Pick<Dataset, "name" | "classes">,
): UsageError {
  const meant = nearest(name, data.classes);
  return new UsageError(
    "DATA_CLASS_UNKNOWN",
    `"${name}" is not a class of ${data.name}`,
    meant === undefined
      ? `Its classes are: ${listed(data.classes)}.`
      : `Did you mean "${meant}"? Its classes are: ${listed(data.classes)}.`,
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(", ");
  const more = names.length - 20;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
