import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  ints,
  sizeOf,
} from "#onnx";

// Which formula gives the gradient of a convolution's weights follows its shape. A
// convolution is linear in its weights: <conv(x, v), u> = <v, gradient for u>, for any
// size of images and channels, whatever the formula.

const shapes = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  size: fc.constantFrom(1, 2, 4, 8, 9, 15, 17, 20, 33, 34),
  kernel: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 1, 2, 3),
  dilations: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 2], [2, 2]),
  pads: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
  channels: fc.constantFrom(
    { groups: 1, inputs: 6, outputs: 2 },
    { groups: 1, inputs: 2, outputs: 6 },
    { groups: 1, inputs: 5, outputs: 5 },
    { groups: 3, inputs: 3, outputs: 3 },
    { groups: 3, inputs: 3, outputs: 6 },
    { groups: 2, inputs: 4, outputs: 2 },
  ),
  seed: fc.integer(),
});

test("every formula for the gradient of a kernel is the adjoint of the convolution", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { batch, size, kernel, stride, dilations, channels } = shape;
      const { groups, inputs, outputs } = channels;
      const reach = Math.max(...dilations) * (kernel - 1) + 1;
      const pads = shape.pads.map((p) =>
        size < reach ? reach : Math.min(p, kernel),
      );
      const random = new Random(shape.seed);
      const draw = (dims: readonly number[]) =>
        floats(
          dims,
          Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
        );
      const x = draw([batch, inputs, size, size]);
      const v = draw([outputs, inputs / groups, kernel, kernel]);
      const b = new GraphBuilder(emptyGraph("convolution"));
      // The batch is open, as it is in training.
      b.input({
        name: "x",
        type: "float32",
        dims: ["batch", inputs, size, size],
      });
      b.input({ name: "v", type: "float32", dims: v.dims });
      const y = b.op("Conv", ["x", "v"], {
        kernel_shape: ints([kernel, kernel]),
        strides: ints([stride, stride]),
        dilations: ints(dilations),
        pads: ints(pads),
        group: int(groups),
      });
      b.input({ name: "u", type: "float32", dims: b.dims(y) });
      const u = draw(
        (b.dims(y) ?? []).map((d) => (typeof d === "number" ? d : batch)),
      );
      const of = b.reduceSum(b.mul(y, "u"));
      const { graph, gradients } = gradient(b.build([of]), { of, wrt: ["v"] });
      const session = await onnxruntime.load(graph);
      const out = await session.run({ x, v, u });
      await session.release();
      const back = out[gradients.get("v") as string] as FloatTensor;
      expect(back.dims).toEqual(v.dims);
      const inner = back.data.reduce((sum, g, i) => sum + g * v.data[i]!, 0);
      const length = Math.hypot(...back.data) * Math.hypot(...v.data);
      const outer = (out[of] as FloatTensor).data[0]!;
      expect(Math.abs(inner - outer)).toBeLessThan(1e-4 * (1 + length));
    }),
    { numRuns: 150, seed: 18 },
  ));
