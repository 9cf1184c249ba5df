import type { Random } from "#core";
import type { Model } from "#model";
import {
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  prepend,
  sizeOf,
} from "#onnx";

/**
 * What hides how weak a network is from attacks that follow its gradient, in a file
 * that does not say so.
 */
export interface Mask {
  readonly id: string;
  /** What it does, in a line. */
  readonly title: string;
  hide(model: Model, random: Random): Graph;
}

type Add = (
  b: GraphBuilder,
  value: string,
  model: Model,
  random: Random,
) => string;

/** Something between the input and the network. */
const inFront =
  (add: Add): Mask["hide"] =>
  (model, random) =>
    prepend(model.graph, model.input, "mask/", (b, x) =>
      add(b, x, model, random),
    ).graph;

/** Something behind the logits. */
const behind =
  (add: Add): Mask["hide"] =>
  (model, random) => {
    const b = new GraphBuilder(model.graph, "mask/");
    return b.build([add(b, model.logits, model, random)]);
  };

/** A number in [0, 1) that looks drawn by chance, of each number. */
function hashed(b: GraphBuilder, x: string, rate: number): string {
  const large = b.mul(b.op("Sin", [b.mul(x, rate)]), 437.58);
  return b.sub(large, b.op("Floor", [large]));
}

/** Logits that are one linear layer of the input, with random weights. */
function decoy(
  b: GraphBuilder,
  { input, contract, classes }: Model,
  random: Random,
): string {
  const width = sizeOf(contract.shape);
  const weights = floats(
    [width, classes.length],
    Float32Array.from(
      { length: width * classes.length },
      () => random.normal() / Math.sqrt(width),
    ),
  );
  const flat = b.op("Flatten", [input], { axis: int(1) });
  return b.op("MatMul", [flat, b.constant(weights)]);
}

/** 1 for the largest of each row, 0 for the others. */
function hardest(b: GraphBuilder, z: string): string {
  const most = b.op("ReduceMax", [z, b.ints([1])], { keepdims: int(1) });
  return b.mask(b.op("GreaterOrEqual", [z, most]), z);
}

const VOTERS = 5;

/** As many copies of an input as there are voters, each without some of its numbers. */
const copies: Add = (b, x, { contract }, random) =>
  b.concat(
    Array.from({ length: VOTERS }, () => {
      const some = Float32Array.from({ length: sizeOf(contract.shape) }, () =>
        Number(random.uniform() < 0.9),
      );
      return b.mul(x, b.constant(floats([1, ...contract.shape], some)));
    }),
    0,
  );

/** The kinds of masks, none of which a test of the checks was made with. */
export const masks: readonly Mask[] = [
  {
    id: "reversed-steps",
    title: "inputs in steps that lean the wrong way",
    hide: inFront((b, x) => {
      const step = b.mul(b.op("Floor", [b.add(b.mul(x, 20), 0.5)]), 1 / 20);
      return b.sub(b.mul(step, 1.5), b.mul(x, 0.5));
    }),
  },
  {
    id: "hashed",
    title: "noise on inputs that is a function of the input",
    hide: inFront((b, x) =>
      b.add(x, b.mul(b.sub(hashed(b, x, 9999), 0.5), 0.06)),
    ),
  },
  {
    id: "hashed-pixels",
    title: "inputs left out by a function of the input",
    hide: inFront((b, x) =>
      b.mul(x, b.mask(b.op("Greater", [hashed(b, x, 7919), b.scalar(0.1)]), x)),
    ),
  },
  {
    id: "soft-steps",
    title: "inputs in steps whose slopes vanish",
    hide: inFront((b, x) => {
      const levels = Array.from({ length: 12 }, (_, i) => (i + 0.5) / 12);
      const steps = levels.map((at) =>
        b.op("Sigmoid", [b.mul(b.sub(x, at), 600)]),
      );
      return b.mul(b.op("Sum", steps), 1 / levels.length);
    }),
  },
  {
    id: "waves",
    title: "logits with waves on them",
    hide: behind((b, z) => b.add(z, b.op("Sin", [b.mul(z, 40)]))),
  },
  {
    id: "rounded",
    title: "rounded logits, with waves too small to matter",
    hide: behind((b, z) =>
      b.add(b.op("Round", [z]), b.mul(b.op("Sin", [b.mul(z, 60)]), 0.3)),
    ),
  },
  {
    id: "saturated",
    title: "logits 40 times as large",
    hide: behind((b, z) => b.mul(z, 40)),
  },
  {
    id: "offset",
    title: "logits on a height where float32 has steps of 4",
    hide: behind((b, z) => b.sub(b.add(z, 5e7), 5e7)),
  },
  {
    id: "label-alone",
    title: "the label, and a layer beside it that has nothing to do with it",
    hide: behind((b, z, model, random) =>
      b.add(b.mul(hardest(b, z), 10), decoy(b, model, random)),
    ),
  },
  {
    id: "vote",
    title: "a vote over copies with parts left out, with the same beside it",
    hide: (model, random) => {
      const graph = inFront(copies)(model, random);
      const b = new GraphBuilder(graph, "vote/");
      const votes = b.reshape(hardest(b, model.logits), [
        VOTERS,
        -1,
        model.classes.length,
      ]);
      const counted = b.reduceSum(votes, [0]);
      return b.build([b.add(counted, b.mul(decoy(b, model, random), 0.1))]);
    },
  },
  {
    id: "noisy",
    title: "noise on inputs, drawn anew each time",
    hide: inFront((b, x) =>
      b.add(x, b.mul(b.op("RandomNormalLike", [x]), 0.15)),
    ),
  },
  {
    id: "batch-statistics",
    title: "inputs less the mean of their batch",
    hide: inFront((b, x) => {
      const mean = b.op("ReduceMean", [x, b.constant(int64s([0]))], {
        keepdims: int(1),
      });
      return b.sub(x, b.mul(b.sub(mean, 0.3), 0.5));
    }),
  },
];
