import { z } from "zod";
import type { Random } from "#core";
import { softmax } from "#core";
import { type FloatTensor, takeRows } from "#onnx";
import { unscaled, violationOf } from "#tables";
import { type AttackInput, defineAttack } from "../attack.ts";
import { Genome } from "./genes.ts";
import { directionsOf, freshMemory, type Memory, survivors } from "./nsga3.ts";
import { groupsOf, rowOf } from "./vectors.ts";

/** What MOEVA can be told. The defaults are those of TabularBench. */
export const moevaParams = z.strictObject({
  generations: z
    .int()
    .positive()
    .default(100)
    .describe("generations; the first is the row itself"),
  population: z
    .int()
    .min(3)
    .default(203)
    .describe("rows that are kept of each generation"),
  offspring: z
    .int()
    .min(2)
    .multipleOf(2)
    .default(100)
    .describe("children of each generation; an even number"),
});

type Input = AttackInput<z.output<typeof moevaParams>>;

/** Samples that are searched side by side. */
const TOGETHER = 64;

/**
 * MOEVA (Simonetto et al. 2022, arXiv:2112.01156; here as in TabularBench): an
 * evolutionary search on rows of a table for little probability of the true
 * class, little distance and no violation of the constraints. Two-point
 * crossover (0.9) and polynomial mutation (20) for each type of column by
 * itself, from copies of the clean row; needs scores only.
 *
 * Three differences from the authors' code: selection is by NSGA-III with the
 * directions of Das and Dennis where it takes R-NSGA-III with reference points
 * spread by their energy; columns that a constraint defines are computed, which
 * chance would never meet; a row leaves as soon as it is broken.
 */
export const moeva = defineAttack({
  id: "moeva",
  title: "MOEVA",
  summary:
    "An evolutionary search on rows of a table for a low probability of the true class, a small distance and no violated constraint. It sees scores alone.",
  caution:
    "A small population or few generations leave rows standing. Three differences from the authors' code stand in its docstring; the selection is another.",
  access: "score",
  family: "query",
  norms: ["l2", "linf"],
  reference: "Simonetto et al. 2022, arXiv:2112.01156",
  taxonomy: {
    atlas: ["AML.T0043.001", "AML.T0015"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  params: moevaParams,
  async run(input) {
    await evolve(input, input.onProgress);
    return input.target.examples();
  },
});

/** One individual. */
interface Individual {
  readonly genes: Float64Array;
  readonly objectives: readonly number[];
}

/** The search around one sample. */
interface Search {
  readonly genome: Genome;
  readonly random: Random;
  readonly memory: Memory;
  population: Individual[];
}

/** The attack; what it finds, the target keeps. */
export async function evolve(
  input: Input,
  onProgress: (share: number) => void,
): Promise<void> {
  const { target, params } = input;
  const groups = groupsOf(target.open(), TOGETHER);
  for (const [k, group] of groups.entries())
    await evolveGroup(input, group, (generation) =>
      onProgress((k + generation / params.generations) / groups.length),
    );
}

async function evolveGroup(
  input: Input,
  group: readonly number[],
  onProgress: (generation: number) => void,
): Promise<void> {
  const { target, x, ball, params, random } = input;
  const { generations, population, offspring } = params;
  const directions = directionsOf(population);
  const searches = new Map<number, Search>();
  const begun = new Set(target.open());
  const first = group.filter((i) => begun.has(i));
  for (const i of first)
    searches.set(i, {
      genome: new Genome(rowOf(x, i), ball),
      random: random[i]!.fork("moeva"),
      memory: freshMemory(),
      population: [],
    });
  // All of the first generation are the row itself: one question answers for all.
  const seeds = first.map((i) => [(searches.get(i) as Search).genome.origin()]);
  const judged = await judge(input, searches, first, seeds);
  first.forEach((i, k) => {
    const [origin] = judged[k]!;
    (searches.get(i) as Search).population = new Array<Individual>(
      population,
    ).fill(origin as Individual);
  });
  for (let generation = 1; generation < generations; generation++) {
    onProgress(generation);
    const left = new Set(target.open(offspring));
    const open = first.filter((i) => left.has(i));
    if (open.length === 0) return;
    const litters = open.map((i) =>
      breed(searches.get(i) as Search, offspring),
    );
    const children = await judge(input, searches, open, litters);
    const still = new Set(target.open());
    open.forEach((i, k) => {
      if (!still.has(i)) return;
      const search = searches.get(i) as Search;
      const all = [...search.population, ...children[k]!];
      const objectives = all.map((one) => one.objectives);
      search.population = survivors(
        objectives,
        population,
        directions,
        search.memory,
        search.random,
      ).map((chosen) => all[chosen]!);
    });
  }
}

/** Children of parents that are drawn by chance. */
function breed(
  { genome, population, random }: Search,
  count: number,
): Float64Array[] {
  const draw = () => population[random.below(population.length)]!.genes;
  return Array.from({ length: count / 2 }, () =>
    genome.children(draw(), draw(), random),
  ).flat();
}

/** Asks about all individuals of some samples at once. */
async function judge(
  { target, x, y, ball }: Input,
  searches: ReadonlyMap<number, Search>,
  samples: readonly number[],
  litters: readonly (readonly Float64Array[])[],
): Promise<Individual[][]> {
  const of = samples.flatMap((i, k) => litters[k]!.map(() => i));
  const width = rowOf(x, 0).length;
  const tried: FloatTensor = {
    type: "float32",
    dims: [of.length, ...x.dims.slice(1)],
    data: new Float32Array(of.length * width),
  };
  let place = 0;
  samples.forEach((i, k) => {
    const { genome } = searches.get(i) as Search;
    for (const genes of litters[k]!)
      tried.data.set(genome.express(genes), place++ * width);
  });
  const logits = await target.scores(tried, of);
  const distances = ball.distance(takeRows(x, of), tried);
  const { table } = ball;
  let at = 0;
  return samples.map((i, k) =>
    litters[k]!.map((genes) => {
      const row = at++;
      const raw = table && unscaled(table, rowOf(tried, row));
      return {
        genes,
        objectives: [
          softmax(rowOf(logits, row))[y[i]!]!,
          distances[row]!,
          // What is no number at all is as bad as anything.
          raw && table ? Math.min(violationOf(table, raw), 1e30) : 0,
        ],
      };
    }),
  );
}
