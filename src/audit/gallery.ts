import { ballOf } from "#attacks";
import { defend } from "#defenses";
import { compile, meaningOf } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { Bench } from "./bench.ts";
import type { ComputedCell } from "./cells.ts";
import type { ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import type { Example } from "./results.ts";

/**
 * Adversarial examples to look at: for each candidate the first samples that
 * the strongest attack under the first threat model broke, undefended.
 * Only images of one or three channels can be shown.
 */
export async function gallery(
  plan: readonly PlannedCell[],
  computed: ReadonlyMap<string, ComputedCell>,
  models: ReadonlyMap<string, ReadyModel>,
  benchOf: (candidate: string) => Bench,
  perCandidate: number,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const [id, ready] of models) {
    const bench = benchOf(id);
    const [, channels, ...more] = bench.data.x.dims;
    const shown = more.length === 2 && (channels === 1 || channels === 3);
    if (perCandidate === 0 || !shown) continue;
    const strongest = plan
      .filter(
        (p) =>
          p.candidate === id &&
          p.defense === "none" &&
          p.threatModel === plan[0]?.threatModel &&
          p.chosen.unit.family !== "control",
      )
      .flatMap((p) => computed.get(p.id) ?? [])
      .sort(
        (a, b) => a.cell.robustAccuracy.value - b.cell.robustAccuracy.value,
      )[0];
    if (!strongest) continue;
    examples.push(...(await examplesOf(strongest, ready, bench, perCandidate)));
  }
  return examples;
}

async function examplesOf(
  { cell, examples }: ComputedCell,
  ready: ReadyModel,
  { data, store, engine }: Bench,
  count: number,
): Promise<Example[]> {
  const broken = [...cell.outcomes].flatMap((o, i) => (o === "0" ? [i] : []));
  // Spread over the samples, which are in order of their classes.
  const picks = Array.from(
    { length: Math.min(count, broken.length) },
    (_, k) =>
      broken[
        Math.floor((k * broken.length) / Math.min(count, broken.length))
      ] as number,
  );
  const all = store.readTensor(examples);
  if (!all || picks.length === 0) return [];
  const clean = takeRows(data.x, picks);
  const perturbed = takeRows(all, picks);
  const model = await compile(defend(ready.model, []), engine);
  const before = await model.logits(clean);
  const after = await model.logits(perturbed);
  await model.release();
  const { answer, confidence, saying } = meaningOf(ready.model);
  const { bounds } = ready.model.contract;
  const said = (outputs: FloatTensor, i: number) => {
    const row = rowOf(outputs, i);
    const sure = confidence(row);
    return {
      name: answer(row),
      confidence: sure === null ? null : round(sure),
    };
  };
  const wanted = (sample: number) =>
    data.targets
      ? answer(saying(rowOf(data.targets, sample)))
      : (ready.model.classes[data.y[sample] as number] ?? "?");
  const lengths = (["linf", "l2"] as const).map((norm) =>
    ballOf(norm, 0, bounds).distance(clean, perturbed),
  );
  return picks.map((sample, i) => {
    const [first, second] = [said(before, i), said(after, i)];
    return {
      cell: cell.id,
      sample,
      label: wanted(sample),
      cleanPrediction: first.name,
      cleanConfidence: first.confidence,
      prediction: second.name,
      confidence: second.confidence,
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
    };
  });
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
    data: clean.data.map((v, i) => (perturbed.data[i] as number) - v),
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
    largest = Math.max(
      largest,
      Math.abs((perturbed.data[i] as number) - (clean.data[i] as number)),
    );
  return (v) => 0.5 + (0.5 * v) / largest;
}

/** One sample as 8-bit pixels, channels last. */
function picture(
  x: FloatTensor,
  row: number,
  unit: (v: number) => number,
): Example["original"] {
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const area = height * width;
  const pixels = new Uint8Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < area; p++) {
      const v = x.data[(row * channels + c) * area + p] as number;
      pixels[p * channels + c] = Math.round(
        255 * Math.min(1, Math.max(0, unit(v))),
      );
    }
  }
  return {
    width,
    height,
    channels: channels as 1 | 3,
    pixels: Buffer.from(pixels).toString("base64"),
  };
}
