import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import { emptyGraph, floats, GraphBuilder, int, int64s } from "#onnx";
import { splitOnce } from "../../src/autodiff/split-once.ts";

const LENGTH = 6;

/** A part of the axis, taken by a slice or, where it is one place, picked. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly how: "slice" | "single" | "row";
  readonly isNegative: boolean;
}

const part = fc.record({
  from: fc.nat(LENGTH - 1),
  to: fc.integer({ min: 1, max: LENGTH }),
  how: fc.constantFrom("slice", "single", "row"),
  isNegative: fc.boolean(),
}) as fc.Arbitrary<Part>;

const rangeOf = ({ from, to, how }: Part): readonly [number, number] =>
  how === "slice" ? [from, Math.max(to, from + 1)] : [from, from + 1];

const overlaps = (parts: readonly Part[]) =>
  parts.some((p, i) =>
    parts.slice(i + 1).some((q) => {
      const [[a, b], [c, d]] = [rangeOf(p), rangeOf(q)];
      return a < d && c < b && !(a === c && b === d);
    }),
  );

/** The sum of parts of x [2, LENGTH], each times another number. */
function taken(parts: readonly Part[]) {
  const b = new GraphBuilder(emptyGraph("parts"));
  b.input({ name: "x", type: "float32", dims: [2, LENGTH] });
  const sums = parts.map((p, i) => {
    const [from, to] = rangeOf(p);
    const at = p.isNegative ? from - LENGTH : from;
    const axis = { axis: int(1) };
    const value =
      p.how === "slice"
        ? b.slice("x", [at], [to], [1])
        : b.op(
            "Gather",
            ["x", b.constant(int64s([at], p.how === "row" ? [1] : []))],
            axis,
          );
    return b.reduceSum(b.mul(value, i + 1));
  });
  const of = b.op("Sum", sums);
  return { graph: b.build([of]), of };
}

test("values and gradients are those of the parts, whatever is taken", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      async (parts) => {
        const { graph, of } = taken(parts);
        const isSplit = parts.length >= 3 && !overlaps(parts);
        const ops = splitOnce(graph).nodes.map((n) => n.op);
        expect(ops.includes("Split")).toBe(isSplit);
        expect(ops.includes("Gather")).toBe(
          !isSplit && parts.some((p) => p.how !== "slice"),
        );
        const made = gradient(graph, { of, wrt: ["x"] });
        const x = Array.from({ length: 2 * LENGTH }, (_, i) => i + 1);
        const session = await onnxruntime.load(made.graph);
        const seen = await session.run({ x: floats([2, LENGTH], x) });
        await session.release();
        const expected = new Array<number>(2 * LENGTH).fill(0);
        parts.forEach((p, i) => {
          const [from, to] = rangeOf(p);
          for (let at = from; at < to; at++)
            for (const row of [0, 1]) expected[row * LENGTH + at]! += i + 1;
        });
        expect([...seen[made.gradients.get("x")!]!.data]).toEqual(expected);
        const sum = expected.reduce((all, g, i) => all + g * x[i]!, 0);
        expect(seen[of]!.data[0]).toBe(sum);
      },
    ),
    { numRuns: 40 },
  );
});

test("what the slices of a recurrent net give back is one Concat", () => {
  const steps = Array.from(
    { length: LENGTH },
    (_, from): Part => ({
      ...{ from, to: 0, how: "single", isNegative: false },
    }),
  );
  const { graph, of } = taken(steps);
  const { nodes } = gradient(graph, { of, wrt: ["x"] }).graph;
  const count = (op: string) => nodes.filter((n) => n.op === op).length;
  expect(count("Concat")).toBe(1);
  expect(count("ScatterElements") + count("Pad")).toBe(0);
});
