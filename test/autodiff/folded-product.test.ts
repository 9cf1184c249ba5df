import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient, MOST_THREADS } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  ints,
  sizeOf,
} from "#onnx";

// Of a convolution into tiny images the gradient of the input is two products. A
// convolution is linear in its input: <conv(z, w), u> = <z, gradient for u>.

const shapes = fc.record({
  batch: fc.constantFrom<number[]>(1, 3),
  size: fc.tuple(
    fc.integer({ min: 3, max: 8 }),
    fc.integer({ min: 3, max: 8 }),
  ),
  kernel: fc.constantFrom([3, 3], [2, 3], [3, 1]),
  strides: fc.constantFrom([2, 2], [3, 2], [2, 3]),
  dilations: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 2]),
  pads: fc.array(fc.integer({ min: 1, max: 2 }), {
    minLength: 4,
    maxLength: 4,
  }),
  channels: fc.constantFrom([9, 1], [9, 5], [16, 40]),
  seed: fc.integer(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never;

function drawn(shape: Shape) {
  const { batch, size, kernel, strides, dilations, pads, channels } = shape;
  const [inputs = 1, outputs = 1] = channels;
  const random = new Random(shape.seed);
  const draw = (...dims: number[]) =>
    floats(
      dims,
      Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
    );
  const b = new GraphBuilder(emptyGraph("convolution"));
  const input = (name: string, dims: readonly (number | string)[]) =>
    b.input({ name, type: "float32", dims });
  const w = draw(outputs, inputs, ...kernel);
  input("x", ["batch", inputs, ...size]);
  input("w", w.dims);
  const y = b.op("Conv", ["x", "w"], {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(pads),
  });
  const seen = b.rankedDims(y).slice(1) as number[];
  // Larger images are transposed convolutions.
  fc.pre(sizeOf(seen.slice(1)) <= 16);
  input("u", ["batch", ...seen]);
  const sum = b.reduceSum(b.mul(y, "u"));
  const x = draw(batch, inputs, ...size);
  const feeds = { x, w, u: draw(batch, ...seen) };
  return { graph: b.build([sum]), sum, feeds, draw };
}

async function run(
  graph: Graph,
  feeds: Record<string, FloatTensor>,
  threads = 2,
) {
  const session = await onnxruntime.load(graph, { threads });
  const outputs = await session.run(feeds);
  await session.release();
  return (name: string | undefined) =>
    outputs[name ?? ""]?.data as Float32Array;
}

test("the gradient of the input is the adjoint of the convolution", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { graph, sum, feeds, draw } = drawn(shape);
      const { graph: taken, gradients } = gradient(graph, {
        of: sum,
        wrt: ["x"],
      });
      expect(taken.nodes.map(({ op }) => op)).not.toContain("ConvTranspose");
      const back = (await run(taken, feeds))(gradients.get("x"));
      const z = draw(...feeds.x.dims);
      const expected = (await run(graph, { ...feeds, x: z }))(sum)[0]!;
      const terms = [...back].map((g, i) => g * z.data[i]!);
      const dot = terms.reduce((a, t) => a + t, 0);
      expect(Math.abs(dot - expected)).toBeLessThan(
        1e-5 * (1 + Math.hypot(...terms)),
      );
    }),
    { numRuns: 60, seed: 4 },
  ));

test("it is the same bits with any number of threads that training has", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { graph, sum, feeds } = drawn({ ...shape, batch: 40 });
      const taken = gradient(graph, { of: sum, wrt: ["x"] });
      const runs = Array.from({ length: MOST_THREADS }, (_, i) =>
        run(taken.graph, feeds, i + 1),
      );
      const [one, ...others] = (await Promise.all(runs)).map((found) =>
        found(taken.gradients.get("x")),
      );
      for (const other of others) expect(other).toEqual(one);
    }),
    { numRuns: 20, seed: 5 },
  ));
