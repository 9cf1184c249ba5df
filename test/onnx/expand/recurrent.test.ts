import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import {
  type Attributes,
  emptyGraph,
  filled,
  float,
  floats,
  GraphBuilder,
  int,
  sizeOf,
  string,
  tensor,
} from "#onnx";
import { checkGradient } from "../../autodiff/check.ts";
import { runs } from "../../runs.ts";
import { expectSameExpanded } from "./parity.ts";

const gatesOf = { RNN: 1, GRU: 3, LSTM: 4 } as const;

const layer = fc
  .record({
    op: fc.constantFrom("RNN" as const, "GRU" as const, "LSTM" as const),
    direction: fc.constantFrom("forward", "reverse", "bidirectional"),
    layout: fc.constant(0),
    steps: fc.integer({ min: 1, max: 4 }),
    batch: fc.integer({ min: 1, max: 3 }),
    features: fc.integer({ min: 1, max: 3 }),
    hidden: fc.integer({ min: 1, max: 3 }),
    bias: fc.boolean(),
    lengths: fc.boolean(),
    states: fc.boolean(),
    peepholes: fc.boolean(),
    before: fc.boolean(),
    clip: fc.option(fc.constant(0.4), { nil: undefined }),
    activations: fc.option(
      fc.constantFrom(
        ["Sigmoid", "Tanh", "Tanh"],
        ["HardSigmoid", "ScaledTanh", "Affine"],
        ["Softsign", "Relu", "LeakyRelu"],
        ["Sigmoid", "Elu", "Softplus"],
      ),
      { nil: undefined },
    ),
    seed: fc.nat(1e6),
  })
  .map((l) => ({ ...l, directions: l.direction === "bidirectional" ? 2 : 1 }));

type Layer = typeof layer extends fc.Arbitrary<infer T> ? T : never;

/**
 * Adds the layer with constant weights and returns its outputs; x is [steps,
 * batch, features].
 */
function addLayer(b: GraphBuilder, x: string, l: Layer): string[] {
  const random = new Random(l.seed);
  const draw = (dims: number[]) =>
    b.constant(
      floats(
        dims,
        Array.from({ length: sizeOf(dims) }, () => random.normal()),
      ),
    );
  const { op, directions: d, hidden: h, features, batch, steps } = l;
  const gates = gatesOf[op];
  const count = { RNN: 1, GRU: 2, LSTM: 3 }[op];
  const attributes: Attributes = {
    hidden_size: int(h),
    direction: string(l.direction),
    ...(l.clip === undefined ? {} : { clip: float(l.clip) }),
    ...(op === "GRU" ? { linear_before_reset: int(Number(l.before)) } : {}),
    ...(l.activations
      ? {
          activations: {
            kind: "strings",
            value: Array.from({ length: d }, () =>
              (l.activations ?? []).slice(0, count),
            ).flat(),
          },
        }
      : {}),
  };
  const weights = [
    draw([d, gates * h, features]),
    draw([d, gates * h, h]),
    l.bias ? draw([d, 2 * gates * h]) : "",
    l.lengths
      ? b.constant(
          tensor(
            "int32",
            [batch],
            Int32Array.from({ length: batch }, (_, i) => 1 + (i % steps)),
          ),
        )
      : "",
    l.states ? draw([d, batch, h]) : "",
    ...(op === "LSTM"
      ? [
          l.states ? draw([d, batch, h]) : "",
          l.peepholes ? draw([d, 3 * h]) : "",
        ]
      : []),
  ];
  while (weights[weights.length - 1] === "") weights.pop();
  return b.many(op, [x, ...weights], attributes, op === "LSTM" ? 3 : 2);
}

test("recurrent layers step by step give what onnxruntime's own give", async () => {
  await fc.assert(
    fc.asyncProperty(layer, async (l) => {
      const b = new GraphBuilder(emptyGraph("recurrent"));
      const dims = [l.steps, l.batch, l.features];
      b.input({ name: "x", type: "float32", dims });
      const graph = b.build(addLayer(b, "x", l));
      const random = new Random(l.seed + 1);
      const x = floats(
        dims,
        Array.from({ length: sizeOf(dims) }, () => random.normal()),
      );
      await expectSameExpanded(graph, { x });
    }),
    runs(60),
  );
});

test("gradients pass through recurrent layers", async () => {
  await fc.assert(
    fc.asyncProperty(layer, fc.integer({ min: 0, max: 2 }), (l, output) => {
      // Clipping and rectifiers have kinks that differences would step over.
      const smooth = { ...l, clip: undefined, activations: undefined };
      return checkGradient({
        shapes: [[l.steps, l.batch, l.features]],
        build: (b, [x = ""]) => {
          const outputs = addLayer(b, x, smooth);
          return outputs[output % outputs.length]!;
        },
        step: 1e-2,
        tolerance: 2e-2,
        seed: l.seed,
      });
    }),
    runs(25),
  );
});

test("the gradient of a long sequence grows by as many nodes a step as that of a short one", () => {
  const nodes = (steps: number): number => {
    const b = new GraphBuilder(emptyGraph("long"));
    b.input({ name: "x", type: "float32", dims: [steps, "batch", 2] });
    const weights = [
      b.constant(filled("float32", [1, 4, 2], 0.5)),
      b.constant(filled("float32", [1, 4, 1], 0.5)),
    ];
    const [, h = ""] = b.many(
      "LSTM",
      ["x", ...weights],
      { hidden_size: int(1) },
      2,
    );
    const { graph } = gradient(b.build([h]), { of: h, wrt: ["x"] });
    return graph.nodes.length;
  };
  const [short, middle, long] = [30, 60, 120].map(nodes) as [
    number,
    number,
    number,
  ];
  expect(long - middle).toBe(2 * (middle - short));
});

test("a sequence of unknown length is refused by name", () => {
  const b = new GraphBuilder(emptyGraph("open"));
  b.input({ name: "x", type: "float32", dims: ["steps", 1, 2] });
  const outputs = b.many(
    "RNN",
    [
      "x",
      b.constant(floats([1, 1, 2], [1, 2])),
      b.constant(floats([1, 1, 1], [1])),
    ],
    { hidden_size: int(1) },
    1,
  );
  const graph = b.build(outputs);
  return expect(expectSameExpanded(graph, {})).rejects.toThrow(
    /RNN "RNN_\d+" cannot be written as simpler operators: the length of its sequence/,
  );
});
