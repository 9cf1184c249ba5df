import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import {
  type Attribute,
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  int,
  type Tensor,
} from "#onnx";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
} from "../../src/onnx/generated/onnx-ml_pb.ts";

const bool = (value: number): Tensor => ({
  type: "bool",
  dims: [],
  data: Uint8Array.of(value),
});

function graphOf(
  dims: readonly number[],
  build: (b: GraphBuilder, x: string) => string,
): { graph: Graph; y: string } {
  const b = new GraphBuilder(emptyGraph("g"));
  const y = build(b, b.input({ name: "x", type: "float32", dims }));
  return { graph: b.build([y]), y };
}

/** A branch of an If: the sine of a value from outside. */
const branch = (name: string, reads: string): Attribute => ({
  kind: "opaque",
  value: toBinary(
    AttributeProtoSchema,
    create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.GRAPH,
      g: {
        name,
        node: [{ opType: "Sin", input: [reads], output: [`${name}/y`] }],
        output: [
          {
            name: `${name}/y`,
            type: {
              value: {
                case: "tensorType",
                value: { elemType: 1, shape: { dim: [] } },
              },
            },
          },
        ],
      },
    }),
  ),
});

/** `add` + an If whose branches read `reads`. */
function withIf(reads: string) {
  return (b: GraphBuilder, x: string) => {
    const c = b.constant(floats([], [0.5]), "c");
    b.append({
      name: "choice",
      op: "If",
      domain: "",
      inputs: [b.constant(bool(1))],
      outputs: ["branch"],
      attributes: {
        then_branch: branch("then_branch", reads),
        else_branch: branch("else_branch", reads),
      },
    });
    return b.add(b.mul(x, c), "branch");
  };
}

describe("rather than a wrong gradient, an error that names the node", () => {
  test.each<[string, (b: GraphBuilder, x: string) => string, RegExp]>([
    [
      "dropout in training mode",
      (b, x) =>
        b.op("Dropout", [x, b.scalar(0.5), b.constant(bool(1))], {}, "drop"),
      /Dropout "drop".*training mode/,
    ],
    [
      "batch normalisation in training mode",
      (b, x) => {
        const one = b.constant(floats([2], [1, 1]));
        return b.many(
          "BatchNormalization",
          [x, one, one, one, one],
          { training_mode: int(1) },
          ["bn", "mean", "variance"],
        )[0]!;
      },
      /BatchNormalization "bn".*training mode/,
    ],
    [
      "batch normalisation by statistics that depend on the input",
      (b, x) => {
        const one = b.constant(floats([2], [1, 1]));
        const mean = b.op("ReduceMean", [x, b.ints([0])], { keepdims: int(0) });
        return b.op("BatchNormalization", [x, one, one, mean, one], {}, "bn");
      },
      /BatchNormalization "bn": no rule for its input 3/,
    ],
    [
      "a branch that reads the input from outside",
      withIf("x"),
      /no gradient: If "choice" cannot be written/,
    ],
    [
      "an operator called as a method of objects is",
      (b, x) => {
        b.append({
          name: "odd",
          op: "valueOf",
          domain: "",
          inputs: [x],
          outputs: ["y"],
          attributes: {},
        });
        return "y";
      },
      /no gradient rule for valueOf "odd"/,
    ],
  ])("%s", (_what, build, message) => {
    const { graph, y } = graphOf([2, 2], build);
    expect(() => gradient(graph, { of: y, wrt: ["x"] })).toThrow(
      expect.objectContaining({
        code: "GRADIENT_UNSUPPORTED",
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/./),
      }),
    );
  });

  test("a second derivative through the statistics of layer normalisation", () => {
    const { graph, y } = graphOf([1, 3], (b, x) => {
      const scale = b.constant(floats([3], [1, 2, 3]));
      return b.op("Tanh", [b.op("LayerNormalization", [x, scale], {}, "ln")]);
    });
    const first = gradient(graph, { of: y, wrt: ["x"] });
    const of = first.gradients.get("x") as string;
    expect(() => gradient(first.graph, { of, wrt: ["x"] })).toThrow(
      /LayerNormalization "ln": its mean or deviation/,
    );
  });

  test("a branch that reads something else does no harm", async () => {
    const { graph, y } = graphOf([2], withIf("c"));
    const result = gradient(graph, { of: y, wrt: ["x"] });
    const session = await onnxruntime.load(result.graph);
    const out = await session.run({ x: floats([2], [1, 2]) });
    expect([
      ...(out[result.gradients.get("x") as string] as FloatTensor).data,
    ]).toEqual([0.5, 0.5]);
    expect((out[y] as FloatTensor).data[0]).toBeCloseTo(0.5 + Math.sin(0.5), 5);
  });

  test("dropout that says it is not training is the identity", () => {
    const { graph, y } = graphOf([2], (b, x) =>
      b.op("Dropout", [x, b.scalar(0.5), b.constant(bool(0))]),
    );
    expect(() => gradient(graph, { of: y, wrt: ["x"] })).not.toThrow();
  });

  test.each([
    ["seed", { seed: "nothing" }],
    [
      "start of a part",
      { straightThrough: [{ input: "nothing", output: "y" }] },
    ],
    ["end of a part", { straightThrough: [{ input: "x", output: "nothing" }] }],
  ])("a %s that the graph does not have", (_what, options) => {
    const { graph } = graphOf([2], (b, x) => b.op("Exp", [x], {}, "y"));
    expect(() => gradient(graph, { of: "y", wrt: ["x"], ...options })).toThrow(
      /no value named "nothing"/,
    );
  });
});

describe("parts that are passed straight through", () => {
  async function slope(
    build: (b: GraphBuilder, x: string) => string,
    output: string,
  ): Promise<number[]> {
    const { graph, y } = graphOf([4], build);
    const result = gradient(graph, {
      of: y,
      wrt: ["x"],
      straightThrough: [{ input: "x", output }],
    });
    const session = await onnxruntime.load(result.graph);
    const out = await session.run({ x: floats([4], [3, 1, 4, 2]) });
    return [...(out[result.gradients.get("x") as string] as FloatTensor).data];
  }

  test("may hold several operators and outputs", async () => {
    const seen = await slope((b, x) => {
      const [values = "", order = ""] = b.many("TopK", [x, b.ints([4])], {}, 2);
      const back = b.op("Det", [b.reshape(values, [2, 2])]);
      const sorted = b.op(
        "GatherElements",
        [b.mul(values, back), order],
        {},
        "sorted",
      );
      return b.mul(sorted, b.constant(floats([4], [1, 2, 3, 4])));
    }, "sorted");
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test("may end at any output of an operator", async () => {
    const seen = await slope((b, x) => {
      b.many("TopK", [b.op("Round", [x]), b.ints([4])], {}, ["top", "order"]);
      const parts = b.many("Split", ["top"], { num_outputs: int(1) }, ["all"]);
      return b.mul(parts[0]!, 3);
    }, "all");
    expect(seen).toEqual([3, 3, 3, 3]);
    const halves = await slope((b, x) => {
      const twice = b.concat([x, b.op("Round", [x])], 0);
      b.many("Split", [twice], { num_outputs: int(2) }, ["first", "second"]);
      return b.add(b.mul("first", 10), "second");
    }, "second");
    expect(halves).toEqual([11, 11, 11, 11]);
  });
});

test("a rule that needs a shape which nobody knows is no gradient, and says where", () => {
  const { graph, y } = graphOf([2, 3], (b, x) => {
    b.append({
      name: "strange",
      op: "Unknown",
      domain: "somewhere",
      inputs: [x],
      outputs: ["strange"],
      attributes: {},
    });
    return b.op("LpNormalization", ["strange"]);
  });
  expect(() => gradient(graph, { of: y, wrt: ["x"] })).toThrow(
    /^no gradient.* LpNormalization .*is not known/,
  );
});
