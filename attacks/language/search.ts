import { z } from "zod";

/**
 * The space that is searched for the worst case by successive halving (Jamieson and
 * Talwalkar 2016, arXiv:1502.07943), as TamperBench searches it for each pair of model
 * and attack: there over about 50 trials of rates from 1e-6 to 1e-3, batches of 8 to 64
 * and ranks of 8 to 64. `steps` are what is shared out: settings that break little
 * after few are not gone on with.
 */
export const searchParams = z.strictObject({
  trials: z
    .int()
    .min(2)
    .default(8)
    .describe("settings that are tried; the worse half is left out in turn"),
  rates: z
    .tuple([z.number().positive(), z.number().positive()])
    .default([1e-5, 1e-2])
    .describe("least and largest rate; between them even in the logarithm"),
  batchSizes: z
    .array(z.int().positive())
    .min(1)
    .default([8, 16, 32, 64])
    .describe("dialogues of a step"),
  ranks: z
    .array(z.union([z.literal("full"), z.int().positive()]))
    .min(1)
    .default(["full", 4, 16])
    .describe("ranks of LoRA, or full for all weights"),
});

/** How an attack is trained. */
export interface Settings {
  readonly rate: number;
  readonly batchSize: number;
  /** Of LoRA; all weights are trained when left out. */
  readonly rank: number | undefined;
}

/** What says how an attack is trained. */
interface Stated {
  readonly learningRates: readonly number[];
  readonly batchSize: number;
  readonly rank?: number | undefined;
  readonly search?: z.output<typeof searchParams> | undefined;
}

/** The settings that are stated, or points that fill the space of a search evenly. */
export function settingsOf(params: Stated): Settings[] {
  const { learningRates, batchSize, rank, search } = params;
  if (!search) return learningRates.map((rate) => ({ rate, batchSize, rank }));
  const { trials, rates, batchSizes, ranks } = search;
  const [least, most] = rates;
  const at = <T>(all: readonly T[], share: number) =>
    all[Math.floor(share * all.length)] as T;
  return Array.from({ length: trials }, (_, i) => {
    const drawn = at(ranks, halton(i + 1, 3));
    return {
      rate: Number((least * (most / least) ** halton(i + 1, 2)).toPrecision(2)),
      batchSize: at(batchSizes, halton(i + 1, 5)),
      rank: drawn === "full" ? undefined : drawn,
    };
  });
}

/** The i-th point of the sequence of Halton (1960) of a base, in (0, 1). */
function halton(i: number, base: number): number {
  let [point, share] = [0, 1 / base];
  for (let rest = i; rest > 0; rest = Math.floor(rest / base)) {
    point += share * (rest % base);
    share /= base;
  }
  return point;
}

/** Settings in words; those that are stated differ in their rate alone. */
export function inWords(
  { rate, batchSize, rank }: Settings,
  { search }: Pick<Stated, "search">,
): string {
  if (!search) return `rate ${rate}`;
  const trained = rank === undefined ? "all weights" : `LoRA of rank ${rank}`;
  return `rate ${rate}, batches of ${batchSize}, ${trained}`;
}
