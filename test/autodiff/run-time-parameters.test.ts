import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { emptyGraph, GraphBuilder, int, int64s, string } from "#onnx";
import { runs } from "../runs.ts";
import { checkGradient, linear, type Subject } from "./check.ts";
import { computed } from "./subjects/indexing.ts";

const seeds = fc.nat(1e6);
const bit = fc.boolean();

/**
 * What is declared of the shape of x: its sizes, names for them, or only
 * how many there are.
 */
const knowledge = fc.constantFrom("sizes", "names", "rank");
const declaredAs = (dims: readonly number[], known: string) => [
  dims.map((d, i) =>
    known === "sizes" ? d : known === "names" ? `d${i}` : null,
  ),
];

/** For each operator, subjects whose parameters are computed by the model itself. */
const subjects: Record<string, fc.Arbitrary<Subject>> = {
  Slice: fc
    .record({
      starts: fc.array(fc.integer({ min: -8, max: 8 }), {
        minLength: 2,
        maxLength: 2,
      }),
      ends: fc.array(fc.constantFrom(-9, -3, -1, 0, 2, 5, 2 ** 31), {
        minLength: 2,
        maxLength: 2,
      }),
      steps: fc.constantFrom(undefined, [1, 1], [2, 1], [-1, 3], [-2, -1]),
      axes: fc.constantFrom(undefined, [0, 1], [-1, 0]),
      which: fc.array(bit, { minLength: 4, maxLength: 4 }),
      known: knowledge,
      type: fc.constantFrom("int64" as const, "int32" as const),
    })
    .map(({ starts, ends, steps, axes, which, known, type }): Subject => {
      const dims = [5, 6];
      return {
        shapes: [dims],
        declared: declaredAs(dims, known),
        ...linear,
        build: (b, [x = ""]) => {
          const given = (values: readonly number[] | undefined, i: number) => {
            if (!values) return "";
            const value = b.cast(b.ints(values), type);
            return which[i] ? computed(b, value, x) : value;
          };
          const parameters = [
            given(starts, 0),
            given(
              ends.map((e) => Math.min(e, 2 ** 31 - 1)),
              1,
            ),
            given(axes, 2),
            given(steps, 3),
          ];
          while (parameters.at(-1) === "") parameters.pop();
          const part = b.op("Slice", [x, ...parameters]);
          // Something is left even of an empty part.
          return b.add(b.reduceSum(part), b.reduceSum(x));
        },
      };
    }),
  Pad: fc
    .record({
      mode: fc.constantFrom("constant", "reflect", "edge", "wrap"),
      pads: fc.array(fc.integer({ min: -1, max: 2 }), {
        minLength: 4,
        maxLength: 4,
      }),
      axes: fc.constantFrom(undefined, [0, 1], [-1, 0], [1]),
      which: fc.tuple(bit, bit),
      value: bit,
      known: knowledge,
    })
    .map(({ mode, pads, axes, which, value, known }): Subject => {
      const dims = [3, 4];
      const constant = mode === "constant";
      // Cropping while repeating is not what onnxruntime offers.
      const sizes = constant ? pads : pads.map((p) => Math.max(0, p));
      return {
        shapes: [dims, ...(value && constant ? [[]] : [])],
        declared: [...declaredAs(dims, known), []],
        opset: 19,
        ...linear,
        build: (b, [x = "", v = ""]) => {
          const given = (values: readonly number[], run: boolean) =>
            run ? computed(b, b.ints(values), x) : b.ints(values);
          const count = 2 * (axes?.length ?? 2);
          const inputs = [x, given(sizes.slice(0, count), which[0]), v];
          if (axes) inputs.push(given(axes, which[1]));
          while (inputs.at(-1) === "") inputs.pop();
          return b.op("Pad", inputs, { mode: string(mode) });
        },
      };
    }),
  Tile: fc
    .record({
      times: fc.array(fc.integer({ min: 1, max: 3 }), {
        minLength: 3,
        maxLength: 3,
      }),
      run: bit,
      known: knowledge,
    })
    .map(
      ({ times, run, known }): Subject => ({
        shapes: [[2, 1, 3]],
        declared: declaredAs([2, 1, 3], known),
        ...linear,
        build: (b, [x = ""]) =>
          b.op("Tile", [
            x,
            run ? computed(b, b.ints(times), x) : b.ints(times),
          ]),
      }),
    ),
  Expand: fc
    .record({
      to: fc.constantFrom([2, 3], [4, 2, 3], [3], [1, 2, 1], [5, 1, 2, 3]),
      known: knowledge,
    })
    .map(
      ({ to, known }): Subject => ({
        shapes: [[2, 1]],
        declared: declaredAs([2, 1], known),
        ...linear,
        build: (b, [x = ""]) => b.expand(x, computed(b, b.ints(to), x)),
      }),
    ),
  Gather: fc
    .record({
      axis: fc.integer({ min: -3, max: 2 }),
      picks: fc.array(fc.integer({ min: -2, max: 1 }), {
        minLength: 1,
        maxLength: 5,
      }),
      scalar: bit,
      known: knowledge,
      run: bit,
    })
    .map(
      ({ axis, picks, scalar, known, run }): Subject => ({
        shapes: [[2, 3, 2]],
        declared: declaredAs([2, 3, 2], known),
        ...linear,
        build: (b, [x = ""]) => {
          const at = b.constant(
            scalar ? int64s(picks.slice(0, 1), []) : int64s(picks),
          );
          return b.op("Gather", [x, run ? computed(b, at, x) : at], {
            axis: int(axis),
          });
        },
      }),
    ),
  "CumSum, Trilu and Squeeze": fc
    .record({ axis: fc.integer({ min: -3, max: 2 }), known: knowledge })
    .map(
      ({ axis, known }): Subject => ({
        shapes: [[2, 3, 1]],
        declared: declaredAs([2, 3, 1], known),
        ...linear,
        build: (b, [x = ""]) => {
          const at = computed(b, b.scalar(axis, "int64"), x);
          const sums = b.op("CumSum", [x, at]);
          const flat = b.op("Squeeze", [sums, computed(b, b.ints([2]), x)]);
          return b.op("Trilu", [flat, computed(b, b.scalar(axis, "int64"), x)]);
        },
      }),
    ),
  ...Object.fromEntries(
    [
      "ReduceSum",
      "ReduceMean",
      "ReduceMax",
      "ReduceMin",
      "ReduceProd",
      "ReduceSumSquare",
      "ReduceL1",
      "ReduceL2",
      "ReduceLogSum",
      "ReduceLogSumExp",
    ].map((op) => [
      op,
      fc
        .record({
          axes: fc.constantFrom([0], [-1], [2, 0], [-2, 0, 2], []),
          keep: bit,
          noop: bit,
          known: knowledge,
          s: seeds,
        })
        .map(
          ({ axes, keep, noop, known, s }): Subject => ({
            shapes: [[2, 3, 2]],
            declared: declaredAs([2, 3, 2], known),
            type: "float64",
            seed: s,
            draw: (r) => 0.5 + r.uniform(),
            build: (b, [x = ""]) =>
              b.op(op, [x, computed(b, b.ints(axes), x)], {
                keepdims: int(+keep),
                ...(noop ? { noop_with_empty_axes: int(1) } : {}),
              }),
          }),
        ),
    ]),
  ),
};

describe("parameters that the model computes as it runs", () => {
  test.each(Object.entries(subjects))("%s", async (_op, arbitrary) => {
    await fc.assert(
      fc.asyncProperty(arbitrary, seeds, (subject, seed) =>
        checkGradient({ seed, ...subject }),
      ),
      runs(30),
    );
  });
});

test("a gradient through picked rows never adds with ScatterND", () => {
  const b = new GraphBuilder(emptyGraph("picks"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 4, 3] });
  const at = b.constant(int64s([0, 0, 1, 1], [2, 2]));
  const tuples = b.op("GatherND", [x, at]);
  const rows = b.op("Gather", [x, b.ints([0, 0])]);
  const updated = b.op("ScatterND", [x, at, b.mul(tuples, 2)]);
  const y = b.op("Sum", [
    b.reduceSum(tuples),
    b.reduceSum(rows),
    b.reduceSum(updated),
  ]);
  const { graph } = gradient(b.build([y]), { of: y, wrt: ["x"] });
  const adding = graph.nodes.filter((n) => n.attributes.reduction);
  expect(adding.map((n) => n.op)).not.toContain("ScatterND");
  expect(adding.length).toBeGreaterThan(0);
});

test("a matrix product by Einsum is differentiated with MatMul", () => {
  const b = new GraphBuilder(emptyGraph("product"));
  const x = b.input({ name: "x", type: "float32", dims: ["n", 4, 3] });
  const w = b.input({ name: "w", type: "float32", dims: ["n", 3, 5] });
  const y = b.op("Einsum", [x, w], { equation: string("bij,bjk->bik") });
  const { graph } = gradient(b.build([y]), { of: y, wrt: ["x", "w"] });
  const ops = graph.nodes.map((n) => n.op);
  expect(ops.filter((op) => op === "MatMul")).toHaveLength(2);
  expect(ops.filter((op) => op === "Einsum")).toHaveLength(1);
});

test("second derivatives pass through scattered and sliced values", async () => {
  // The gradient of a gradient: the rules are closed under differentiation.
  const b = new GraphBuilder(emptyGraph("second"));
  b.input({ name: "x", type: "float64", dims: [3, 4] });
  const part = b.slice("x", [2], [0], [1], [-1]);
  const picked = b.op("GatherND", [
    "x",
    b.constant(int64s([0, 0, 0, 0, 2, 3], [3, 2])),
  ]);
  const cube = (v: string) => b.reduceSum(b.pow(v, 3));
  const y = b.add(cube(part), cube(b.op("CumSum", [picked, b.ints([0])])));
  const first = gradient(b.build([y]), { of: y, wrt: ["x"] });
  const g = first.gradients.get("x") as string;
  await checkGradient({
    shapes: [[3, 4]],
    type: "float64",
    build: (outer, [x = ""]) => {
      for (const [name, value] of first.graph.constants) {
        outer.define(name, value);
      }
      for (const node of first.graph.nodes) {
        outer.append({
          ...node,
          inputs: node.inputs.map((name) => (name === "x" ? x : name)),
        });
      }
      return g;
    },
  });
});
