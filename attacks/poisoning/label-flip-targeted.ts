import { z } from "zod";
import { type Dataset, labelOf } from "#data";
import { sizeOf, someRows } from "#onnx";
import { flipTaxonomy, relabelled, rowsOf } from "./flips.ts";
import { definePoisoning, poisoningParams } from "./poisoning.ts";

const pairOf = (
  { from, to }: { from?: string; to?: string },
  data: Dataset,
) => ({
  from: from === undefined ? 0 : labelOf(from, data),
  to: to === undefined ? 1 : labelOf(to, data),
});

/**
 * Samples of one class get the label of another, so that the victim takes the
 * first for the second (Tolpegin et al. 2020, arXiv:2007.08432, whose poisoners are
 * participants of a federation; here it is some rows of one set).
 *
 * `gathered` knows the defence label sanitisation, which asks the nearest
 * neighbours of a sample: it flips samples that lie together in the features of
 * the public base, around a random one, so that the neighbours of most of them
 * were flipped too and agree with the wrong label. Without it samples are drawn
 * at random.
 */
export const labelFlipTargeted = definePoisoning({
  id: "label-flip-targeted",
  title: "Label flips from one class to another",
  summary:
    "Samples of one class get the label of another, so that the candidate takes the first for the second; `gathered` flips samples that lie together, against label sanitisation.",
  caution:
    "It says something of one pair of classes only. Behind a filter by neighbours only `gathered` knows the defence, so without it the filter looks better than it is.",
  reference: "Tolpegin et al. 2020, arXiv:2007.08432",
  taxonomy: {
    ...flipTaxonomy,
    nist: [...flipTaxonomy.nist, "NISTAML.024"],
  },
  threat:
    "writes labels of some fine-tuning samples of one class; knows the public base where the flips are gathered",
  params: z.strictObject({
    ...poisoningParams,
    from: z
      .string()
      .optional()
      .describe("class that loses samples; the first when left out"),
    to: z
      .string()
      .optional()
      .describe("class that gets them; the second when left out"),
    gathered: z
      .boolean()
      .default(false)
      .describe("whether samples that lie together are flipped"),
  }),
  confuses: pairOf,
  async poison({ train, count, params, random, features }) {
    const { from, to } = pairOf(params, train);
    const own = rowsOf(train, from);
    const order = random.permutation(own.length).map((i) => own[i]!);
    const rows = params.gathered
      ? await nearestFirst(order, async (all) =>
          (await features("base")).of(someRows(train.x, all)),
        )
      : order;
    return relabelled(train, rows.slice(0, count), () => to);
  },
});

/** Rows by their distance from the first one. */
async function nearestFirst(
  rows: readonly number[],
  featuresOf: (
    rows: readonly number[],
  ) => Promise<{ data: Float32Array; dims: readonly number[] }>,
): Promise<number[]> {
  if (rows.length === 0) return [];
  const { data, dims } = await featuresOf(rows);
  const width = sizeOf(dims.slice(1));
  const distance = rows.map((_, i) => {
    let sum = 0;
    for (let k = 0; k < width; k++)
      sum += (data[i * width + k]! - data[k]!) ** 2;
    return sum;
  });
  return rows
    .map((_, i) => i)
    .sort((a, b) => distance[a]! - distance[b]!)
    .map((i) => rows[i]!);
}
