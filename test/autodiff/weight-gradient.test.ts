import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient, MOST_THREADS } from "#autodiff";
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

const shapes = (channels: readonly Channels[], batches: readonly number[]) =>
  fc.record({
    batch: fc.constantFrom(...batches),
    size: fc.constantFrom(1, 2, 4, 8, 9, 15, 17, 20, 33, 34),
    kernel: fc.constantFrom(1, 2, 3, 5, 7),
    stride: fc.constantFrom(1, 1, 2, 3),
    dilations: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 2], [2, 2]),
    pads: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
    channels: fc.constantFrom(...channels),
    seed: fc.integer(),
  });

interface Channels {
  readonly groups: number;
  readonly inputs: number;
  readonly outputs: number;
}
type Shape =
  ReturnType<typeof shapes> extends fc.Arbitrary<infer S> ? S : never;

/** A convolution, <conv(x, v), u> and its gradient for v. */
function drawn(shape: Shape) {
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
  b.input({ name: "x", type: "float32", dims: ["batch", inputs, size, size] });
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
  const back = gradients.get("v") as string;
  return { graph, feeds: { x, v, u }, of, back };
}

async function run({ graph, feeds }: ReturnType<typeof drawn>, threads = 1) {
  const session = await onnxruntime.load(graph, { threads });
  const out = await session.run(feeds);
  await session.release();
  return out;
}

const few: readonly Channels[] = [
  { groups: 1, inputs: 6, outputs: 2 },
  { groups: 1, inputs: 2, outputs: 6 },
  { groups: 1, inputs: 5, outputs: 5 },
  { groups: 3, inputs: 3, outputs: 3 },
  { groups: 5, inputs: 5, outputs: 5 },
  { groups: 3, inputs: 3, outputs: 6 },
  { groups: 2, inputs: 4, outputs: 2 },
];

/** So many that threads share them out. */
const many: readonly Channels[] = [
  { groups: 1, inputs: 1, outputs: 8 },
  { groups: 1, inputs: 8, outputs: 16 },
  { groups: 1, inputs: 3, outputs: 64 },
  { groups: 1, inputs: 16, outputs: 16 },
  { groups: 1, inputs: 24, outputs: 8 },
  { groups: 1, inputs: 64, outputs: 48 },
  { groups: 1, inputs: 40, outputs: 72 },
  { groups: 8, inputs: 8, outputs: 8 },
  { groups: 4, inputs: 32, outputs: 16 },
];

test("every formula for the gradient of a kernel is the adjoint of the convolution", () =>
  fc.assert(
    fc.asyncProperty(shapes(few, [1, 2, 3]), async (shape) => {
      const convolution = drawn(shape);
      const { v } = convolution.feeds;
      const out = await run(convolution);
      const back = out[convolution.back] as FloatTensor;
      expect(back.dims).toEqual(v.dims);
      const inner = back.data.reduce((sum, g, i) => sum + g * v.data[i]!, 0);
      const length = Math.hypot(...back.data) * Math.hypot(...v.data);
      const outer = (out[convolution.of] as FloatTensor).data[0]!;
      expect(Math.abs(inner - outer)).toBeLessThan(1e-4 * (1 + length));
    }),
    { numRuns: 150, seed: 18 },
  ));

test("it is the same bits with any number of threads that training has", () =>
  fc.assert(
    fc.asyncProperty(shapes(many, [1, 16, 32]), async (shape) => {
      const { kernel, channels, stride, pads } = shape;
      // A kernel of one pixel in groups is steady only as people have it, unpadded.
      const isOdd = stride > 1 || pads.some((p) => p > 0);
      fc.pre(kernel > 1 || channels.groups === 1 || !isOdd);
      const convolution = drawn(shape);
      const one = (await run(convolution))[convolution.back];
      for (let threads = 2; threads <= MOST_THREADS; threads++) {
        const other = (await run(convolution, threads))[convolution.back];
        expect(other).toEqual(one);
      }
    }),
    { numRuns: process.env.ASSAY_LONG ? 1000 : 40, seed: 7 },
  ));
