import { Random } from "#core";
import { type Model, modelOf } from "#model";
import { emptyGraph, floats, GraphBuilder, ints, sizeOf } from "#onnx";

/**
 * Convolution, tanh, pooling and a linear layer: smooth with averages, so that
 * differences of its slopes mean something.
 */
export function smooth(
  pool: "AveragePool" | "MaxPool" = "AveragePool",
  channels = 3,
): Model {
  const random = new Random(4);
  const draw = (dims: number[]) =>
    floats(
      dims,
      Array.from({ length: sizeOf(dims) }, () => random.normal() / 2),
    );
  const b = new GraphBuilder(emptyGraph("smooth"));
  b.input({ name: "x", type: "float32", dims: ["batch", 1, 8, 8] });
  const w = b.constant(draw([channels, 1, 3, 3]), "conv.weight");
  const bent = b.op("Tanh", [b.op("Conv", ["x", w])]);
  const window = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
  const flat = b.op("Flatten", [b.op(pool, [bent], window)]);
  const head = b.constant(draw([9 * channels, 3]), "head.weight");
  return modelOf(b.build([b.op("MatMul", [flat, head], {}, "y")]), "smooth");
}
