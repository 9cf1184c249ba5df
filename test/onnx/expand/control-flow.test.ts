import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import {
  type Attribute,
  decodeModel,
  emptyGraph,
  encodeModel,
  expand,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  ints,
  normalise,
  type Subgraph,
  tensor,
  type ValueInfo,
} from "#onnx";
import { checkGradient } from "../../autodiff/check.ts";
import { runs } from "../../runs.ts";
import { expectSameExpanded } from "./parity.ts";

/** A body as an attribute. `build` may also read values of the graph around it. */
function body(
  name: string,
  inputs: readonly ValueInfo[],
  outer: GraphBuilder,
  build: (b: GraphBuilder) => readonly string[],
): Attribute {
  const b = new GraphBuilder(emptyGraph(name), `${name}.`, outer);
  for (const info of inputs) b.input(info);
  const {
    inputs: given,
    outputs,
    nodes,
    constants,
    valueInfo,
  } = b.build(build(b));
  const value: Subgraph = {
    name,
    inputs: given,
    outputs,
    nodes,
    constants,
    valueInfo,
  };
  return { kind: "graph", value };
}

const scalar = (name: string, type: "int64" | "bool"): ValueInfo => ({
  name,
  type,
  dims: [],
});
const vector = (name: string): ValueInfo => ({
  name,
  type: "float32",
  dims: [2],
});

/** h <- tanh(h * w + i), w from around. All h are collected. */
function loop(
  b: GraphBuilder,
  x: string,
  w: string,
  count: string,
  goOn: (inner: GraphBuilder) => string,
): string[] {
  return b.many(
    "Loop",
    [count, b.constant(tensor("bool", [], Uint8Array.of(1))), x],
    {
      body: body(
        "step",
        [scalar("i", "int64"), scalar("before", "bool"), vector("h")],
        b,
        (inner) => {
          const shifted = inner.add(
            inner.mul("h", w),
            inner.cast("i", "float32"),
          );
          const next = inner.op("Tanh", [shifted]);
          return [goOn(inner), next, inner.op("Identity", [next])];
        },
      ),
    },
    2,
  );
}

const always = (inner: GraphBuilder) =>
  inner.op("Identity", [inner.constant(tensor("bool", [], Uint8Array.of(1)))]);

function graphOf(
  build: (b: GraphBuilder, x: string, w: string) => readonly string[],
): Graph {
  const b = new GraphBuilder(emptyGraph("flow"));
  b.input(vector("x"));
  b.input(vector("w"));
  return b.build(build(b, "x", "w"));
}

const x = floats([2], [0.3, -0.4]);
const w = floats([2], [0.5, 1.5]);

describe("a loop", () => {
  test("of a known number of steps is the body repeated", () =>
    expectSameExpanded(
      graphOf((b, x, w) => loop(b, x, w, b.constant(int64s([3], [])), always)),
      { x, w },
    ));

  test("ends when a condition that can be computed beforehand is false", () =>
    expectSameExpanded(
      graphOf((b, x, w) =>
        loop(b, x, w, b.constant(int64s([9], [])), (inner) =>
          inner.less("i", inner.constant(int64s([3], []))),
        ),
      ),
      { x, w },
    ));

  test("passes gradients to what it carries and to what it captures", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(1e6),
        (steps, seed) =>
          checkGradient({
            shapes: [[2], [2]],
            build: (b, [x = "", w = ""]) => {
              const [last = "", all = ""] = loop(
                b,
                x,
                w,
                b.constant(int64s([steps], [])),
                always,
              );
              return b.add(last, b.reduceSum(all, [0]));
            },
            step: 1e-2,
            seed,
          }),
      ),
      runs(8),
    ));

  test("whose number of steps is an input is refused, with the reason", () => {
    const graph = graphOf((b, x, w) => {
      b.input(scalar("count", "int64"));
      return loop(b, x, w, "count", always).slice(0, 1);
    });
    expect(() =>
      gradient(graph, { of: graph.outputs[0]?.name ?? "", wrt: ["x"] }),
    ).toThrow(/Loop .* its number of steps is computed while the model runs/);
  });

  test("whose end depends on its values is refused, with the reason", () => {
    const graph = graphOf((b, x, w) =>
      loop(b, x, w, b.constant(int64s([5], [])), (inner) =>
        inner.less(inner.op("ReduceSum", ["h"], { keepdims: int(0) }), 1),
      ).slice(0, 1),
    );
    expect(() =>
      gradient(graph, { of: graph.outputs[0]?.name ?? "", wrt: ["x"] }),
    ).toThrow(/Loop .* when it ends is computed while the model runs/);
  });
});

describe("a scan", () => {
  /** Running sum of rows of a sequence, backwards or not. */
  const scan = (
    b: GraphBuilder,
    sequence: string,
    backwards: boolean,
    axis: number,
  ) =>
    b.many(
      "Scan",
      [b.constant(floats([2], [0, 0])), sequence],
      {
        num_scan_inputs: int(1),
        scan_input_directions: ints([Number(backwards)]),
        scan_output_directions: ints([Number(backwards)]),
        scan_input_axes: ints([axis]),
        scan_output_axes: ints([axis]),
        body: body("sum", [vector("state"), vector("row")], b, (inner) => {
          const next = inner.op("Tanh", [inner.add("state", "row")]);
          return [next, inner.mul(next, next)];
        }),
      },
      2,
    );

  test("is the body repeated along the sequence", () =>
    fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.constantFrom(0, 1),
        fc.integer({ min: 1, max: 4 }),
        async (backwards, axis, steps) => {
          const dims = axis === 0 ? [steps, 2] : [2, steps];
          const b = new GraphBuilder(emptyGraph("scan"));
          b.input({ name: "sequence", type: "float32", dims });
          const graph = b.build(scan(b, "sequence", backwards, axis));
          const values = Array.from({ length: 2 * steps }, (_, i) => i / 3 - 1);
          await expectSameExpanded(graph, { sequence: floats(dims, values) });
          await checkGradient({
            shapes: [dims],
            build: (inner, [s = ""]) => {
              const [last = "", all = ""] = scan(inner, s, backwards, axis);
              return inner.add(
                inner.reduceSum(last),
                inner.reduceSum(all, undefined, true),
              );
            },
            step: 1e-2,
          });
        },
      ),
      runs(8),
    ));
});

describe("a branch", () => {
  const branch = (b: GraphBuilder, condition: string, x: string) =>
    b.op("If", [condition], {
      then_branch: body("then", [], b, (inner) => [inner.mul(x, 2)]),
      else_branch: body("else", [], b, (inner) => [inner.exp(x)]),
    });

  test.each([0, 1])(
    "on a condition that is known to be %i is decided at load",
    (value) => {
      const graph = graphOf((b, x) => [
        branch(b, b.constant(tensor("bool", [], Uint8Array.of(value))), x),
      ]);
      const loaded = normalise(decodeModel(encodeModel(graph), "test"));
      expect(loaded.nodes.map((n) => n.op)).toEqual([value ? "Mul" : "Exp"]);
      return expectSameExpanded(graph, { x, w });
    },
  );

  test("on a size that is known is decided at load", () => {
    const graph = graphOf((b, x) => {
      const rank = b.op("Size", [b.shapeOf(x)]);
      return [branch(b, b.equal(rank, b.constant(int64s([1], []))), x)];
    });
    expect(normalise(graph).nodes.some((n) => n.op === "If")).toBe(false);
  });

  test("on a condition that is computed stays, and refuses gradients with the reason", () => {
    const graph = graphOf((b, x) => [
      branch(b, b.greater(b.op("ReduceSum", [x], { keepdims: int(0) }), 0), x),
    ]);
    const loaded = normalise(graph);
    expect(loaded.nodes.some((n) => n.op === "If")).toBe(true);
    expect(() =>
      gradient(loaded, { of: graph.outputs[0]?.name ?? "", wrt: ["x"] }),
    ).toThrow(/If .* its condition is computed while the model runs/);
  });

  test("inside an older opset is upgraded with the rest", async () => {
    const graph = graphOf((b, x) => {
      const old = (inner: GraphBuilder) =>
        inner.op("Squeeze", [inner.op("Unsqueeze", [x], { axes: ints([0]) })], {
          axes: ints([0]),
        });
      const flag = b.greater(b.op("ReduceSum", [x], { keepdims: int(0) }), 0);
      return [
        b.op("If", [flag], {
          then_branch: body("then", [], b, (inner) => [old(inner)]),
          else_branch: body("else", [], b, (inner) => [inner.neg(old(inner))]),
        }),
      ];
    });
    const loaded = normalise({ ...graph, opsets: new Map([["", 11]]) });
    const { onnxruntime } = await import("#engine");
    const session = await onnxruntime.load(loaded);
    const outputs = await session.run({ x, w });
    expect(outputs[graph.outputs[0]?.name ?? ""]?.data[0]).toBeCloseTo(-0.3);
  });
});

test("expanding what is not composite changes nothing", () => {
  const graph = graphOf((b, x, w) => [b.add(x, w)]);
  expect(expand(graph, () => true)).toBe(graph);
});

test("a condition inside a body that stays is decided once sizes are known", async () => {
  const opsets = new Map([["", 12]]);
  const b = new GraphBuilder({ ...emptyGraph("nested"), opsets });
  const x = b.input({ name: "x", type: "float32", dims: ["n", null] });
  const flag = b.input({ name: "flag", type: "bool", dims: [] });
  const body = (
    outer: GraphBuilder,
    name: string,
    build: (inner: GraphBuilder) => string,
  ) => {
    const inner = new GraphBuilder(emptyGraph(name), `${name}/`, outer);
    return { kind: "graph" as const, value: inner.build([build(inner)]) };
  };
  // Axes were attributes then: the upgrade makes a constant of them in each body.
  const summed = (inner: GraphBuilder, factor: number) =>
    inner.mul(
      inner.op("ReduceSum", [x], { axes: ints([1]), keepdims: int(1) }),
      factor,
    );
  const choice = body(b, "outer", (outer) => {
    const width = outer.op("Gather", [
      outer.shapeOf(x),
      outer.constant(int64s([1], [])),
    ]);
    const chosen = outer.op("If", [outer.equal(width, 4)], {
      then_branch: body(outer, "four", (inner) => summed(inner, 2)),
      else_branch: body(outer, "other", (inner) => summed(inner, 3)),
    });
    return outer.add(chosen, summed(outer, 1));
  });
  const other = body(b, "none", (inner) => summed(inner, 5));
  const graph = b.build([
    b.op("If", [flag], { then_branch: choice, else_branch: other }),
  ]);
  const once = normalise(graph);
  const bound = normalise({
    ...once,
    inputs: once.inputs.map((i) =>
      i.name === "x" ? { ...i, dims: ["n", 4] } : i,
    ),
  });
  const feeds = {
    x: floats([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
    flag: tensor("bool", [], Uint8Array.of(1)),
  };
  for (const each of [graph, bound]) {
    const session = await onnxruntime.load(each);
    const [out] = Object.values(await session.run(feeds));
    await session.release();
    expect(out?.data).toEqual(Float32Array.of(30, 78));
  }
});
