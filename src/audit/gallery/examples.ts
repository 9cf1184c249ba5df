import { ballOf } from "#attacks";
import { hashOf } from "#core";
import type { Dataset } from "#data";
import { defend } from "#defenses";
import {
  compile,
  type Model,
  meaningOf,
  type Samples,
  samplesAt,
} from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { editsBetween, segmentsOf } from "#texts";
import {
  type Bench,
  type BenchOf,
  type CellWorks,
  type ComputedCell,
  openFor,
  tidy,
} from "../attacking/index.ts";
import type { ReadyModel } from "../models/index.ts";
import {
  type Example,
  type Results,
  samplesThatAre,
  type TextExample,
} from "../results/index.ts";
import { foundBy, type Phase, type Yields, yields } from "../works/index.ts";
import { maskPicture } from "./masks.ts";
import { canBeShown, picture } from "./picture.ts";

/**
 * Adversarial examples to look at: for each candidate the first samples that
 * the strongest attack under the first threat model broke, undefended. Only
 * texts and images of one or three channels can be shown.
 */
export function gallery(
  cells: readonly CellWorks[],
  benchOf: BenchOf,
  perCandidate: number,
): Phase<Pick<Results, "gallery" | "textGallery">> {
  const candidates = [
    ...new Set(cells.map(({ planned }) => planned.candidate)),
  ];
  const [first] = candidates;
  const areTexts =
    first !== undefined && benchOf(first).data.texts !== undefined;
  const works = candidates.flatMap((id) => {
    const { x } = benchOf(id).data;
    const seen = seenOf(cells, id);
    return seen.length > 0 && (areTexts || canBeShown(x))
      ? shownWork(id, seen, benchOf(id), perCandidate)
      : [];
  });
  return {
    works,
    found() {
      const found = works.flatMap((work) => work.found() ?? []);
      return {
        gallery: found.flatMap(({ examples }) => examples),
        textGallery: areTexts ? found.flatMap(({ texts }) => texts) : undefined,
      };
    },
  };
}

/** What is shown of a candidate. */
interface Shown {
  readonly examples: readonly Example[];
  readonly texts: readonly TextExample[];
}

/** The cells of a candidate that are looked at. */
const seenOf = (cells: readonly CellWorks[], candidate: string): CellWorks[] =>
  cells.filter(
    ({ planned: p }) =>
      p.candidate === candidate &&
      p.defense === "none" &&
      p.threatModel === cells[0]?.planned.threatModel &&
      p.chosen.unit.family !== "control",
  );

function shownWork(
  id: string,
  cells: readonly CellWorks[],
  bench: Bench,
  most: number,
): Yields<Shown> {
  const needs = cells.flatMap(({ score, examples }) => [score, examples]);
  const key = hashOf({
    kind: "gallery",
    most,
    needs: needs.map(({ record }) => record),
  });
  return yields(bench.store, {
    id: `gallery of ${id}`,
    kind: "gallery",
    record: `gallery/${key}.json`,
    needs,
    size: most,
    about: [{ what: "gallery", id, candidate: id }],
    async compute() {
      await tidy(bench);
      const [strongest] = cells
        .map(({ score, examples }) => ({ cell: foundBy(score), examples }))
        .sort(
          (a, b) => a.cell.robustAccuracy.value - b.cell.robustAccuracy.value,
        );
      const picks = strongest ? picksOf(strongest.cell, most) : [];
      if (!strongest || picks.length === 0) return { examples: [], texts: [] };
      const { examples } = foundBy(strongest.examples);
      const ready = await bench.models.candidate(id);
      const attacked = { cell: strongest.cell, examples };
      return bench.data.texts
        ? {
            examples: [],
            texts: await textExamplesOf(attacked, ready, bench, picks),
          }
        : {
            examples: await examplesOf(attacked, ready, bench, picks),
            texts: [],
          };
    },
  });
}

/** A cell with its examples. */
interface Attacked {
  readonly cell: ComputedCell["cell"];
  readonly examples: Samples;
}

/**
 * Some of the samples that an attack broke, spread over all of them, which are in order
 * of their classes.
 */
function picksOf({ outcomes }: ComputedCell["cell"], count: number): number[] {
  const broken = samplesThatAre(outcomes, "broken");
  const shown = Math.min(count, broken.length);
  return Array.from(
    { length: shown },
    (_, k) => broken[Math.floor((k * broken.length) / shown)]!,
  );
}

async function examplesOf(
  { cell, examples }: Attacked,
  ready: ReadyModel,
  { data, engine }: Bench,
  picks: readonly number[],
): Promise<Example[]> {
  const clean = takeRows(data.x, picks);
  const perturbed = takeRows(examples as FloatTensor, picks);
  const model = await compile(defend(ready.model, []), engine);
  const before = await model.logits(clean);
  const after = await model.logits(perturbed);
  await model.release();
  const saidOf = sayingsOf(ready.model, data, before, after);
  const masksOf = masksIn(ready.model, data, before, after);
  const { bounds } = ready.model.contract;
  const lengths = (["linf", "l2"] as const).map((norm) =>
    ballOf(norm, 0, bounds).distance(clean, perturbed),
  );
  return picks.map((sample, i) => {
    return {
      cell: cell.id,
      ...saidOf(sample, i),
      linf: round(lengths[0]?.[i] ?? 0),
      l2: round(lengths[1]?.[i] ?? 0),
      original: picture(
        clean,
        i,
        (v) => (v - bounds[0]) / (bounds[1] - bounds[0]),
      ),
      perturbed: picture(
        perturbed,
        i,
        (v) => (v - bounds[0]) / (bounds[1] - bounds[0]),
      ),
      difference: picture(
        difference(clean, perturbed),
        i,
        scaleOf(clean, perturbed, i),
      ),
      masks: masksOf(sample, i),
    };
  });
}

async function textExamplesOf(
  { cell, examples }: Attacked,
  ready: ReadyModel,
  bench: Bench,
  picks: readonly number[],
): Promise<TextExample[]> {
  const { data } = bench;
  const all = examples as readonly string[];
  if (!data.texts) return [];
  const clean = samplesAt(data.texts.strings, picks);
  const perturbed = samplesAt(all, picks);
  const opened = await openFor(ready, [], bench);
  const before = await opened.answers(clean);
  const after = await opened.answers(perturbed);
  const saidOf = sayingsOf(ready.model, data, before.logits, after.logits);
  return picks.map((sample, i) => {
    const [one, other] = [clean[i]!, perturbed[i]!];
    return {
      cell: cell.id,
      ...saidOf(sample, i),
      edits: editsBetween(one, other),
      segments: segmentsOf(one, other),
    };
  });
}

/** What is right of a sample, and what the model said of it in row i. */
function sayingsOf(
  model: Model,
  { y, targets }: Dataset,
  before: FloatTensor,
  after: FloatTensor,
) {
  const { answer, confidence, saying } = meaningOf(model);
  const sure = (row: Float32Array) => {
    const share = confidence(row);
    return share === null ? null : round(share);
  };
  return (sample: number, i: number) => {
    const [first, second] = [rowOf(before, i), rowOf(after, i)];
    return {
      sample,
      label: targets
        ? answer(saying(rowOf(targets, sample)))
        : (model.classes[y[sample]!] ?? "?"),
      cleanPrediction: answer(first),
      cleanConfidence: sure(first),
      prediction: answer(second),
      confidence: sure(second),
    };
  };
}

/** The classes of the pixels of a sample, where each has one. */
function masksIn(
  model: Model,
  { targets, positions }: Dataset,
  before: FloatTensor,
  after: FloatTensor,
) {
  const { said } = meaningOf(model);
  const sizes = positions === "unaligned" ? [] : (positions ?? []);
  const isMask = targets && sizes.length === 2;
  const of = (classes: Float32Array | null) =>
    maskPicture(classes ?? new Float32Array(), sizes);
  return (sample: number, i: number): Example["masks"] =>
    isMask
      ? {
          truth: of(rowOf(targets, sample)),
          clean: of(said(rowOf(before, i))),
          attacked: of(said(rowOf(after, i))),
        }
      : undefined;
}

const round = (v: number) => Number(v.toPrecision(6));

/** The numbers of one row [rows, width]. */
function rowOf({ data, dims }: FloatTensor, row: number): Float32Array {
  const width = dims[1] ?? 0;
  return data.subarray(row * width, (row + 1) * width);
}

function difference(clean: FloatTensor, perturbed: FloatTensor): FloatTensor {
  return {
    ...clean,
    data: clean.data.map((v, i) => perturbed.data[i]! - v),
  };
}

/** Maps no change to mid-grey and the largest change of the sample to full contrast. */
function scaleOf(
  clean: FloatTensor,
  perturbed: FloatTensor,
  row: number,
): (v: number) => number {
  const width = clean.data.length / (clean.dims[0] ?? 1);
  let largest = 1e-12;
  for (let i = row * width; i < (row + 1) * width; i++)
    largest = Math.max(largest, Math.abs(perturbed.data[i]! - clean.data[i]!));
  return (v) => 0.5 + (0.5 * v) / largest;
}
