import fc from "fast-check";
import { test } from "vitest";
import { emptyGraph, floats, GraphBuilder, int, string } from "#onnx";
import { runs } from "../../runs.ts";
import { expectSameExpanded } from "./parity.ts";

const DIMS = [3, 4];
const numbers = fc
  .array(fc.double({ min: -80, max: 80, noNaN: true }), {
    minLength: 12,
    maxLength: 12,
  })
  .map((values) => floats(DIMS, values));

const forms = {
  "LogSoftmax of columns": (b: GraphBuilder) =>
    b.op("LogSoftmax", ["x"], { axis: int(0) }),
  "LogSoftmax of rows": (b: GraphBuilder) => b.op("LogSoftmax", ["x"]),
  "Sum of one": (b: GraphBuilder) => b.op("Sum", ["x"]),
  "Sum of three": (b: GraphBuilder) =>
    b.op("Sum", ["x", b.constant(floats([4], [1, -2, 3, 0.5])), "x"]),
  HardSwish: (b: GraphBuilder) => b.op("HardSwish", ["x"]),
  "exact Gelu": (b: GraphBuilder) => b.op("Gelu", ["x"]),
  "Gelu by tanh": (b: GraphBuilder) =>
    b.op("Gelu", ["x"], { approximate: string("tanh") }),
};

test.each(Object.entries(forms))("%s", async (_name, build) => {
  await fc.assert(
    fc.asyncProperty(numbers, async (x) => {
      const graph = emptyGraph("one");
      const b = new GraphBuilder({ ...graph, opsets: new Map([["", 20]]) });
      b.input({ name: "x", type: "float32", dims: DIMS });
      await expectSameExpanded(b.build([build(b)]), { x });
    }),
    runs(10),
  );
});
