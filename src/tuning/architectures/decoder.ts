import { AssayError, type Random } from "#core";
import type { Model } from "#model";
import {
  BATCH,
  emptyGraph,
  type FloatTensor,
  float,
  floats,
  GraphBuilder,
  int,
  sizeOf,
} from "#onnx";
import type { Architecture } from "./architecture.ts";

const WIDTH = 96;
const HEADS = 4;
const LAYERS = 3;
/** Deviation of the weights as they begin. */
const DEVIATION = 0.02;
/** What masked places get before the softmax. */
const HIDDEN = -1e9;

/**
 * A small decoder as GPT-2 (Radford et al. 2019) builds it: embeddings of tokens and
 * places, three blocks of causal attention with four heads and of a perceptron four
 * times as wide, layer normalisation before each and behind the last, and a head of its
 * own. Width 96. Weights are drawn with a deviation of 0.02, those behind which
 * something is added up divided by the root of how many there are.
 */
export const decoder: Architecture = {
  id: "decoder",
  title: "Small decoder, the next token at each place",
  summary: "A small causal transformer, for language models.",
  caution:
    "Of about 0.4 million parameters: mechanisms show in it, rates of real language models do not.",
  atPositions: true,
  build(shape, classes, random) {
    const [length] = shape;
    if (shape.length !== 1 || !length)
      throw new AssayError(
        "ARCHITECTURE_INPUT",
        `decoder needs token ids, the data has shape [${shape.join(", ")}]`,
        "Give another base.pretrain.architecture, or a base model.",
      );
    return build(length, classes, random);
  },
};

function build(
  length: number,
  classes: readonly string[],
  random: Random,
): Model {
  const b = new GraphBuilder(emptyGraph("decoder"));
  const normal = (dims: readonly number[], deviation = DEVIATION) =>
    floats(
      dims,
      Float32Array.from(
        { length: sizeOf(dims) },
        () => random.normal() * deviation,
      ),
    );
  const filled = (size: number, value: number) =>
    floats([size], new Float32Array(size).fill(value));
  const norm = (x: string, name: string) =>
    b.op(
      "LayerNormalization",
      [
        x,
        b.constant(filled(WIDTH, 1), `${name}.weight`),
        b.constant(filled(WIDTH, 0), `${name}.bias`),
      ],
      { axis: int(-1), epsilon: float(1e-5) },
      name,
    );
  const linear = (
    x: string,
    name: string,
    [from, to]: readonly [number, number],
    deviation?: number,
  ) => {
    const weight = b.constant(normal([from, to], deviation), `${name}.weight`);
    const bias = b.constant(filled(to, 0), `${name}.bias`);
    const product = b.op("MatMul", [x, weight], {}, name);
    return b.op("Add", [product, bias], {}, `${name}.add`);
  };
  const added = DEVIATION / Math.sqrt(2 * LAYERS);
  const mask = b.constant(hidingLater(length), "mask");
  const inHeads = (x: string, order: readonly number[]) =>
    b.transpose(b.reshape(x, [0, length, HEADS, WIDTH / HEADS]), order);
  const attention = (x: string, name: string) => {
    const [q = "", k = "", v = ""] = b.many(
      "Split",
      [linear(x, `${name}.qkv`, [WIDTH, 3 * WIDTH])],
      { axis: int(-1), num_outputs: int(3) },
      3,
    );
    const scores = b.mul(
      b.matmul(inHeads(q, [0, 2, 1, 3]), inHeads(k, [0, 2, 3, 1])),
      1 / Math.sqrt(WIDTH / HEADS),
    );
    const shares = b.op("Softmax", [b.add(scores, mask)], { axis: int(-1) });
    const mixed = b.matmul(shares, inHeads(v, [0, 2, 1, 3]));
    const joined = b.reshape(b.transpose(mixed, [0, 2, 1, 3]), [
      0,
      length,
      WIDTH,
    ]);
    return linear(joined, `${name}.out`, [WIDTH, WIDTH], added);
  };
  const perceptron = (x: string, name: string) => {
    const wide = linear(x, `${name}.in`, [WIDTH, 4 * WIDTH]);
    const bent = b.op("Relu", [wide], {}, `${name}.relu`);
    return linear(bent, `${name}.out`, [4 * WIDTH, WIDTH], added);
  };
  const ids = b.input({
    name: "input_ids",
    type: "int64",
    dims: [BATCH, length],
  });
  const table = b.constant(normal([classes.length, WIDTH]), "tokens.weight");
  const places = b.constant(normal([1, length, WIDTH]), "places.weight");
  let x = b.add(
    b.op("Gather", [table, ids], { axis: int(0) }, "tokens"),
    places,
  );
  for (let i = 1; i <= LAYERS; i++) {
    const name = `block${i}`;
    x = b.add(x, attention(norm(x, `${name}.norm1`), `${name}.attention`));
    x = b.add(x, perceptron(norm(x, `${name}.norm2`), `${name}.mlp`));
  }
  const logits = linear(norm(x, "norm"), "head", [WIDTH, classes.length]);
  b.rename(logits, "logits");
  return {
    graph: b.build(["logits"]),
    input: ids,
    logits: "logits",
    contract: { shape: [length], bounds: [0, 1] },
    classes,
    straightThrough: [],
  };
}

/** 0 where a place may be looked at, and very low right of the diagonal. */
function hidingLater(length: number): FloatTensor {
  const data = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? HIDDEN : 0,
  );
  return floats([1, 1, length, length], data);
}
