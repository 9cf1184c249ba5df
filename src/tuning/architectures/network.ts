import { AssayError, type Random } from "#core";
import type { Model } from "#model";
import { emptyGraph, type FloatTensor, floats, GraphBuilder, int } from "#onnx";

/** A model from what adds its nodes to an input and returns the logits. */
export function network(
  name: string,
  shape: readonly number[],
  classes: readonly string[],
  layers: (b: GraphBuilder, input: string) => string,
): Model {
  const b = new GraphBuilder(emptyGraph(name));
  const input = b.input({
    name: "input",
    type: "float32",
    dims: ["batch", ...shape],
  });
  const logits = layers(b, input);
  return {
    graph: b.build([logits]),
    input,
    logits,
    contract: { shape, bounds: [0, 1] },
    classes,
    straightThrough: [],
  };
}

/**
 * The shape of images that may be halved twice.
 *
 * @throws ARCHITECTURE_INPUT
 */
export function imagesFor(
  id: string,
  shape: readonly number[],
): readonly [channels: number, height: number, width: number] {
  const [channels = 0, height = 0, width = 0] = shape;
  if (shape.length === 3 && channels > 0 && height >= 4 && width >= 4)
    return [channels, height, width];
  throw new AssayError(
    "ARCHITECTURE_INPUT",
    `${id} needs images of at least 4x4 pixels, the data has shape [${shape.join(", ")}]`,
    "Give a base model instead of base.pretrain.",
  );
}

/** Weights as He et al. 2015 (arXiv:1502.01852) draw them. */
export function heNormal(
  dims: readonly number[],
  fanIn: number,
  random: Random,
): FloatTensor {
  const deviation = Math.sqrt(2 / fanIn);
  const size = dims.reduce((p, d) => p * d, 1);
  return floats(
    dims,
    Float32Array.from({ length: size }, () => random.normal() * deviation),
  );
}

/** A linear layer of such weights, its bias 0. */
export function dense(
  b: GraphBuilder,
  x: string,
  name: string,
  [from, to]: readonly [number, number],
  random: Random,
): string {
  const weight = b.constant(
    heNormal([to, from], from, random),
    `${name}.weight`,
  );
  const zeros = floats([to], new Float32Array(to));
  const bias = b.constant(zeros, `${name}.bias`);
  return b.op("Gemm", [x, weight, bias], { transB: int(1) }, name);
}
