import { classColour, percent } from "#core";
import type { Example, Results } from "#results";
import { plain, unbroken, whole } from "../../format.ts";
import { encodePng } from "../../png.ts";
import { pageIn } from "./described.ts";
import { toldOf } from "./fates.ts";
import { exampleId, sampleId, taskOf } from "./samples.ts";

/** Adversarial examples as pictures, grouped by their cell. */
export async function galleryView(results: Results) {
  const cells = [...new Set(results.gallery.map((e) => e.cell))];
  return Promise.all(
    cells.map(async (cell) => ({
      cell: plain(cell),
      page: pageIn(results, cell),
      examples: await Promise.all(
        results.gallery
          .filter((e) => e.cell === cell)
          .map((e) => exampleView(e, results)),
      ),
    })),
  );
}

/** The colours of classes in masks; none where there are no masks. */
export const coloursView = ({ gallery, classes }: Results) =>
  gallery.some((e) => e.masks)
    ? classes.map((name, k) => ({
        name: plain(name),
        colour: `rgb(${classColour(k).join(", ")})`,
      }))
    : [];

async function exampleView(e: Example, results: Results) {
  const [original, perturbed, difference] = await Promise.all(
    [e.original, e.perturbed, e.difference].map(pngOf),
  );
  return {
    original,
    perturbed,
    difference,
    masks: e.masks && {
      truth: await pngOf(e.masks.truth),
      clean: await pngOf(e.masks.clean),
      attacked: await pngOf(e.masks.attacked),
    },
    label: plain(e.label),
    before: said(e.cleanPrediction, e.cleanConfidence),
    after: said(e.prediction, e.confidence),
    distance: `L∞ ${Number(e.linf.toPrecision(3))}, L2 ${Number(e.l2.toPrecision(3))}`,
    ...whereOf(e, results),
  };
}

/** Which sample an example is of, and the queries until it was broken. */
export function whereOf(
  { cell: id, sample }: Pick<Example, "cell" | "sample">,
  results: Results,
) {
  const cell = results.cells.find((c) => c.id === id);
  const queries = cell?.queriesToBreak[sample];
  return {
    id: exampleId(id, sample),
    sample,
    sampleId: sampleId(taskOf(cell?.candidate ?? "", results), sample),
    listed: cell !== undefined && sample < toldOf(results).listed,
    queries: queries
      ? `broken after ${whole(queries)} ${queries === 1 ? "query" : "queries"}`
      : "",
  };
}

/** An answer with how sure the model is of it. */
export const said = (answer: string, confidence: number | null) =>
  confidence === null
    ? plain(answer)
    : unbroken(`${plain(answer)} (${percent(confidence)})`);

/** A lossless PNG as a data URI. */
export async function pngOf({
  pixels,
  ...size
}: Example["original"]): Promise<string> {
  const png = await encodePng(Buffer.from(pixels, "base64"), size);
  return `data:image/png;base64,${png.toString("base64")}`;
}
