import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  emptyGraph,
  floats,
  type Graph,
  GraphBuilder,
  int,
  ints,
  sizeOf,
} from "#onnx";
import { foldNorms } from "../../src/autodiff/fold-norms.ts";
import { smallDepthwise } from "../../src/autodiff/small-depthwise.ts";

// Convolutions whose weights are trained are written otherwise before their gradient
// is taken. What comes out is the same, up to rounding.

const shapes = fc.record({
  size: fc.constantFrom(1, 2, 3, 4, 7, 8),
  kernel: fc.constantFrom([1, 1], [3, 3], [5, 5], [3, 2]),
  strides: fc.constantFrom([1, 1], [2, 2], [2, 1]),
  dilations: fc.constantFrom([1, 1], [1, 2]),
  pads: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
  channels: fc.constantFrom(
    { groups: 6, inputs: 6, outputs: 6 },
    { groups: 1, inputs: 3, outputs: 5 },
    { groups: 5, inputs: 5, outputs: 10 },
  ),
  bias: fc.boolean(),
  norm: fc.boolean(),
  seed: fc.integer(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never;

const names = ["w", "bias", "scale", "shift"];

/** A convolution and its normalisation; `seen` gives also what is between them. */
function drawn(shape: Shape) {
  const { size, strides, dilations, channels, pads } = shape;
  const { groups, inputs, outputs } = channels;
  const kernel = shape.kernel.map((k, i) =>
    size + pads[i]! + pads[i + 2]! > dilations[i]! * (k - 1) ? k : 1,
  );
  const random = new Random(shape.seed);
  const draw = (dims: readonly number[], from: () => number) =>
    floats(dims, Float32Array.from({ length: sizeOf(dims) }, from));
  const normal = (dims: readonly number[]) => draw(dims, () => random.normal());
  const feeds = {
    x: normal([3, inputs, size, size]),
    w: normal([outputs, inputs / groups, ...kernel]),
    bias: normal([outputs]),
    scale: normal([outputs]),
    shift: normal([outputs]),
  };
  const b = new GraphBuilder(emptyGraph("convolution"));
  for (const [name, { dims }] of Object.entries(feeds))
    b.input({
      name,
      type: "float32",
      dims: name === "x" ? ["batch", ...dims.slice(1)] : dims,
    });
  const conv = b.op("Conv", ["x", "w", ...(shape.bias ? ["bias"] : [])], {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(pads),
    group: int(groups),
  });
  const y = shape.norm
    ? b.op("BatchNormalization", [
        conv,
        "scale",
        "shift",
        b.constant(normal([outputs])),
        b.constant(draw([outputs], () => 0.2 + random.uniform())),
      ])
    : b.mul(conv, 1);
  const weights = normal(
    b.rankedDims(y).map((d) => (typeof d === "number" ? d : 3)),
  );
  const sum = b.reduceSum(b.mul(y, b.constant(weights)));
  return { graph: b.build([sum, y]), conv, y, sum, feeds };
}

async function run(graph: Graph, feeds: ReturnType<typeof drawn>["feeds"]) {
  const session = await onnxruntime.load(graph);
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

const isNear = (found: ArrayLike<number>, expected: ArrayLike<number>) => {
  const most = Math.max(1, ...Array.from(expected, Math.abs));
  Array.from(expected).forEach((v, i) => {
    expect(Math.abs(found[i]! - v)).toBeLessThan(2e-5 * most);
  });
};

test("values stay as they are where convolutions are written otherwise", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { graph, y, feeds } = drawn(shape);
      const folded = foldNorms(graph, names, new Set());
      const written = smallDepthwise(folded, names);
      const isDepthwise = shape.channels.groups === shape.channels.outputs;
      expect(written.nodes.some((n) => n.op === "Conv")).toBe(!isDepthwise);
      // What is written otherwise twice has no name twice.
      const again = smallDepthwise(foldNorms(written, names, new Set()), names);
      const made = again.nodes.flatMap((n) => n.outputs);
      expect(new Set(made).size).toBe(made.length);
      const [before, after] = [
        await run(graph, feeds),
        await run(written, feeds),
      ];
      isNear(after[y]?.data as Float32Array, before[y]?.data as Float32Array);
    }),
    { numRuns: 25, seed: 5 },
  ));

test("gradients of a normalisation that is folded are those of one that stands alone", () =>
  fc.assert(
    fc.asyncProperty(shapes, async (drawnShape) => {
      const { graph, conv, sum, feeds } = drawn({ ...drawnShape, norm: true });
      const wrt = [
        "x",
        ...names.filter((n) => n !== "bias" || drawnShape.bias),
      ];
      const folded = gradient(graph, { of: sum, wrt });
      // What is asked for by name is not folded away.
      const asked = { ...graph, outputs: [...graph.outputs, conv].map(infoOf) };
      const alone = gradient(asked, { of: sum, wrt });
      const norms = ({ nodes }: Graph) =>
        nodes.some((n) => n.op === "BatchNormalization");
      expect(norms(alone.graph)).toBe(true);
      const [found, expected] = [
        await run(folded.graph, feeds),
        await run(alone.graph, feeds),
      ];
      for (const name of wrt)
        isNear(
          found[folded.gradients.get(name) as string]?.data as Float32Array,
          expected[alone.gradients.get(name) as string]?.data as Float32Array,
        );
    }),
    { numRuns: 25, seed: 6 },
  ));

const infoOf = (output: Graph["outputs"][number] | string) =>
  typeof output === "string"
    ? { name: output, type: "float32" as const }
    : output;

test("a normalisation is folded where weights are trained and fewer than what they give", () => {
  const of = (shape: Partial<Shape>) => {
    const whole: Shape = {
      size: 4,
      kernel: [3, 3],
      strides: [1, 1],
      dilations: [1, 1],
      pads: [1, 1, 1, 1],
      channels: { groups: 1, inputs: 3, outputs: 5 },
      bias: true,
      norm: true,
      seed: 1,
      ...shape,
    };
    return drawn(whole).graph;
  };
  const isFolded = (
    graph: Graph,
    wrt: readonly string[],
    kept = new Set<string>(),
  ) =>
    foldNorms(graph, wrt, kept).nodes.every(
      (n) => n.op !== "BatchNormalization",
    );
  expect(isFolded(of({}), ["w"])).toBe(true);
  expect(isFolded(of({}), ["x", "scale"])).toBe(false);
  expect(isFolded(of({ size: 1 }), ["w"])).toBe(false);
  const { graph, conv } = drawn({
    size: 4,
    kernel: [3, 3],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [1, 1, 1, 1],
    channels: { groups: 1, inputs: 3, outputs: 5 },
    bias: false,
    norm: true,
    seed: 1,
  });
  expect(isFolded(graph, ["w"], new Set([conv]))).toBe(false);
});
