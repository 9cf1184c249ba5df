import { z } from "zod";
import type { Random } from "#core";
import { type FloatTensor, sizeOf } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import { crossEntropyOf } from "./score-losses.ts";
import { groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 512;

/**
 * Members of a population that are asked about before it is looked who still stands.
 */
const SLICE = 20;

/**
 * Standard deviation of the first colours, as a share of the width of the
 * bounds: 127 of 255.
 */
const SPREAD = 127 / 255;

const onePixelParams = z.strictObject({
  pixels: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe(
      "pixels that change: 1, 3 and 5 in the paper; as many as eps allows when null",
    ),
  population: z.int().min(4).default(400).describe("members of the search"),
  generations: z
    .int()
    .positive()
    .default(100)
    .describe("generations of the search"),
  scale: z
    .number()
    .positive()
    .default(0.5)
    .describe("the scale F of the difference of two members"),
});

type Params = z.output<typeof onePixelParams>;

/**
 * One-pixel attack (Su, Vargas and Sakurai 2019, arXiv:1710.08864): differential
 * evolution, without crossover, of the places and colours of a few pixels, for
 * the lowest probability of the true class. A child replaces its own parent where
 * it does better.
 *
 * The paper counts pixels, a threat model in L0 counts numbers: a pixel of C
 * channels takes C of them. What a child has outside of the image or the bounds is
 * drawn afresh, of which the paper says nothing. A sample leaves as soon as it is
 * misclassified. Vectors are images of one row.
 */
export const onePixel = defineAttack({
  id: "one-pixel",
  title: "One pixel",
  summary:
    "Differential evolution of the places and colours of a few pixels, for the lowest probability of the true class.",
  caution:
    "It says something of a few pixels and nothing of small changes everywhere. It is a random search of a fixed size, so a sample that stands may fall to another seed or a larger population.",
  access: "score",
  family: "query",
  norms: ["l0"],
  reference: "Su, Vargas and Sakurai 2019, arXiv:1710.08864",
  taxonomy: blackBox,
  params: onePixelParams,
  async run(input) {
    const { target, y, params, random, onProgress, onNote } = input;
    const canvas = canvasOf(input);
    if (canvas.pixels === 0) {
      if (input.ball.eps > 0)
        onNote?.(
          `one-pixel: a pixel has ${canvas.channels} numbers, of which an eps of ${input.ball.eps} allows none`,
        );
      return target.examples();
    }
    const streams = random.map((stream) => stream.fork("one-pixel"));
    const members = (count: number, make: (m: number) => Float64Array) =>
      Array.from({ length: count }, (_, m) => make(m));
    let populations = new Map<number, Member[]>(
      Array.from(y.keys(), (i) => [
        i,
        members(params.population, () => drawMember(canvas, streams[i]!)).map(
          (genes) => ({ genes, loss: Number.NEGATIVE_INFINITY }),
        ),
      ]),
    );
    await judge(input, canvas, populations);
    for (let round = 0; round < params.generations; round++) {
      onProgress(round / params.generations);
      const open = target.open();
      if (open.length === 0) break;
      const children = new Map(
        open.map((i) => {
          const parents = populations.get(i) as Member[];
          const stream = streams[i]!;
          return [
            i,
            parents.map((_, m) => ({
              genes: childOf(parents, m, params, canvas, stream),
              loss: Number.NEGATIVE_INFINITY,
            })),
          ];
        }),
      );
      await judge(input, canvas, children);
      populations = new Map(
        [...children].map(([i, all]) => [
          i,
          all.map((child, m) => {
            const parent = (populations.get(i) as Member[])[m]!;
            return child.loss > parent.loss ? child : parent;
          }),
        ]),
      );
    }
    return target.examples();
  },
});

interface Canvas {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** How many may change. */
  readonly pixels: number;
  readonly bounds: readonly [number, number];
}

/** Places and colours of some pixels. */
interface Member {
  /**
   * Row, column and the value of each channel, pixel after pixel. A place
   * is rounded down.
   */
  readonly genes: Float64Array;
  /** The cross-entropy: highest where the probability of the true class is lowest. */
  loss: number;
}

function canvasOf({ x, ball, params }: AttackInput<Params>): Canvas {
  const shape = x.dims.slice(1);
  const [channels = 1, height = 1, width = 1] =
    shape.length === 3 ? shape : [1, 1, sizeOf(shape)];
  const most = Math.min(Math.floor(ball.eps / channels), height * width);
  const wanted = params.pixels ?? (ball.nearest ? 1 : most);
  return {
    channels,
    height,
    width,
    pixels: Math.min(wanted, most),
    bounds: ball.bounds,
  };
}

/**
 * One gene, as the first population has it: a uniform place, a normal
 * colour about grey.
 */
function drawGene(
  gene: number,
  { channels, height, width, bounds: [low, high] }: Canvas,
  random: Random,
): number {
  if (gene % (channels + 2) === 0) return height * random.uniform();
  if (gene % (channels + 2) === 1) return width * random.uniform();
  const colour = (low + high) / 2 + SPREAD * (high - low) * random.normal();
  return Math.min(high, Math.max(low, colour));
}

const drawMember = (canvas: Canvas, random: Random) =>
  Float64Array.from(
    { length: canvas.pixels * (canvas.channels + 2) },
    (_, gene) => drawGene(gene, canvas, random),
  );

/**
 * One member moved by the scaled difference of two others (equation 3 of the paper).
 */
function childOf(
  parents: readonly Member[],
  own: number,
  { scale }: Params,
  canvas: Canvas,
  random: Random,
): Float64Array {
  const others = new Set<number>();
  while (others.size < 3) {
    const other = random.below(parents.length);
    if (other !== own) others.add(other);
  }
  const [a, b, c] = [...others].map((m) => parents[m]!.genes) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const { channels, height, width, bounds } = canvas;
  const ranges = [[0, height], [0, width], bounds] as const;
  return a.map((v, gene) => {
    const moved = v + scale * (b[gene]! - c[gene]!);
    const kind = Math.min(2, gene % (channels + 2));
    const [from, to] = ranges[kind] as readonly [number, number];
    const inside = moved >= from && (kind === 2 ? moved <= to : moved < to);
    return inside ? moved : drawGene(gene, canvas, random);
  });
}

/**
 * Asks about every member, as many at once as the samples that still stand can afford.
 */
async function judge(
  { target, x, y }: AttackInput<Params>,
  canvas: Canvas,
  populations: ReadonlyMap<number, readonly Member[]>,
): Promise<void> {
  const [first] = populations.values();
  const count = first?.length ?? 0;
  for (let from = 0; from < count; from += SLICE) {
    const some = Math.min(SLICE, count - from);
    const open = target.open(some).filter((i) => populations.has(i));
    const questions = open.flatMap((sample) =>
      (populations.get(sample) as Member[])
        .slice(from, from + some)
        .map((member) => ({ sample, member })),
    );
    for (const group of groupsOf(questions, ROWS)) {
      const width = sizeOf(x.dims.slice(1));
      const rows: FloatTensor = {
        type: "float32",
        dims: [group.length, ...x.dims.slice(1)],
        data: new Float32Array(group.length * width),
      };
      group.forEach(({ sample, member }, k) => {
        const row = rowOf(rows, k);
        row.set(rowOf(x, sample));
        paint(row, member.genes, canvas);
      });
      const asked = group.map(({ sample }) => sample);
      const scores = await target.scores(rows, asked);
      group.forEach(({ sample, member }, k) => {
        member.loss = crossEntropyOf(rowOf(scores, k), y[sample]!);
      });
    }
  }
}

function paint(
  row: Float32Array,
  genes: Float64Array,
  { channels, height, width, pixels }: Canvas,
): void {
  for (let p = 0; p < pixels; p++) {
    const at = p * (channels + 2);
    const place = Math.floor(genes[at]!) * width + Math.floor(genes[at + 1]!);
    for (let c = 0; c < channels; c++)
      row[c * height * width + place] = genes[at + 2 + c]!;
  }
}
