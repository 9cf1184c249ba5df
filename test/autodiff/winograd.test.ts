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
import { winograd } from "../../src/autodiff/winograd.ts";

// Convolutions of 3x3 taps whose weights are trained are written as products of tiles.
// What they give is what the convolution gives, up to rounding, and so are gradients.

const shapes = fc.record({
  batch: fc.constantFrom<number[]>(1, 3),
  size: fc.tuple(
    fc.integer({ min: 2, max: 13 }),
    fc.integer({ min: 2, max: 13 }),
  ),
  pads: fc.array(fc.integer({ min: 1, max: 2 }), {
    minLength: 4,
    maxLength: 4,
  }),
  channels: fc.constantFrom<number[][]>([16, 16], [16, 24], [33, 20]),
  bias: fc.boolean(),
  seed: fc.integer(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never;

/** A convolution of x by w, and its sum weighted by u. */
function drawn({ batch, size, pads, channels, bias, seed }: Shape) {
  const [inputs = 1, outputs = 1] = channels;
  const random = new Random(seed);
  const draw = (...dims: number[]) =>
    floats(
      dims,
      Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
    );
  const feeds = {
    x: draw(batch, inputs, ...size),
    w: draw(outputs, inputs, 3, 3),
    bias: bias ? draw(outputs) : floats([outputs], new Float32Array(outputs)),
    u: draw(
      batch,
      outputs,
      ...size.map((n, i) => n + pads[i]! + pads[i + 2]! - 2),
    ),
  };
  const b = new GraphBuilder(emptyGraph("convolution"));
  const open = ["x", "u"];
  for (const [name, { dims }] of Object.entries(feeds))
    b.input({
      name,
      type: "float32",
      dims: open.includes(name) ? ["batch", ...dims.slice(1)] : dims,
    });
  const y = b.op("Conv", ["x", "w", ...(bias ? ["bias"] : [])], {
    kernel_shape: ints([3, 3]),
    pads: ints(pads),
  });
  const sum = b.reduceSum(b.mul(y, "u"));
  return { graph: b.build([sum, y]), sum, y, feeds, draw };
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

const isConv = ({ op }: { op: string }) => op === "Conv";

test("values are those of the convolution", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { graph, y, feeds } = drawn(shape);
      const written = winograd(graph, ["w"]);
      expect(written.nodes.some(isConv)).toBe(false);
      const b = new GraphBuilder(written);
      expect(b.dims(y)).toEqual(new GraphBuilder(graph).dims(y));
      const [before, after] = [
        await run(graph, feeds),
        await run(written, feeds),
      ];
      const most = Math.max(...before(y).map(Math.abs));
      before(y).forEach((v, i) => {
        expect(Math.abs(after(y)[i]! - v)).toBeLessThan(2e-5 * most);
      });
    }),
    { numRuns: 30, seed: 1 },
  ));

test("gradients are the adjoint of the convolution", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { graph, sum, feeds, draw } = drawn({ ...shape, bias: false });
      const wrt = ["w", "x"] as const;
      const taken = gradient(graph, { of: sum, wrt });
      const found = await run(taken.graph, feeds);
      for (const name of wrt) {
        const other = draw(...feeds[name].dims);
        const expected = (await run(graph, { ...feeds, [name]: other }))(
          sum,
        )[0]!;
        const terms = [...found(taken.gradients.get(name))].map(
          (g, i) => g * other.data[i]!,
        );
        const scale = Math.hypot(...terms);
        const dot = terms.reduce((a, t) => a + t, 0);
        expect(Math.abs(dot - expected)).toBeLessThan(2e-5 * scale);
      }
    }),
    { numRuns: 30, seed: 2 },
  ));

test("it is the same bits with any number of threads that training has", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { graph, sum, feeds } = drawn({ ...shape, batch: 24 });
      const { graph: taken, gradients } = gradient(graph, {
        of: sum,
        wrt: ["w", "x"],
      });
      const names = [...gradients.values()];
      const [one, ...others] = await Promise.all(
        Array.from({ length: MOST_THREADS }, (_, i) =>
          run(taken, feeds, i + 1),
        ),
      );
      for (const other of others)
        for (const name of names) expect(other(name)).toEqual(one!(name));
    }),
    { numRuns: 12, seed: 3 },
  ));

test("few channels, strides and weights that stay are convolutions as before", () => {
  const { graph } = drawn({
    batch: 1,
    size: [8, 8],
    pads: [1, 1, 1, 1],
    channels: [16, 16],
    bias: true,
    seed: 1,
  });
  expect(winograd(graph, ["x"]).nodes.some(isConv)).toBe(true);
  expect(winograd(graph, ["bias"]).nodes.some(isConv)).toBe(true);
  const few = drawn({
    batch: 1,
    size: [8, 8],
    pads: [1, 1, 1, 1],
    channels: [3, 16],
    bias: true,
    seed: 1,
  });
  expect(winograd(few.graph, ["w"]).nodes.some(isConv)).toBe(true);
  const strided = {
    ...graph,
    nodes: graph.nodes.map((n) =>
      isConv(n)
        ? { ...n, attributes: { ...n.attributes, strides: ints([2, 2]) } }
        : n,
    ),
  };
  expect(winograd(strided, ["w"]).nodes.some(isConv)).toBe(true);
});
