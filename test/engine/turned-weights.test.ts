import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { emptyGraph, floats, GraphBuilder, ints } from "#onnx";
import { readAsTheyLie } from "../../src/engine/turned-weights.ts";

const numbers = (dims: readonly number[], seed: number) => {
  const random = new Random(seed);
  const size = dims.reduce((product, d) => product * d, 1);
  return floats(
    dims,
    Array.from({ length: size }, () => random.normal()),
  );
};

const size = fc.integer({ min: 1, max: 5 });

test("products by turned weights are the same, without turning them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(size, { minLength: 1, maxLength: 3 }),
      fc.tuple(size, size),
      fc.boolean(),
      async (rows, [from, to], isReadTwice) => {
        const b = new GraphBuilder(emptyGraph("turned"));
        const dims = [...rows, from];
        b.input({ name: "x", type: "float32", dims });
        const weight = b.constant(numbers([to, from], 1), "weight");
        const turned = b.transpose(weight, [1, 0]);
        const weights = b.constant(numbers([from, to], 2));
        const straight = b.op("Transpose", [weights], { perm: ints([0, 1]) });
        const outputs = [b.matmul("x", turned), b.matmul("x", straight)];
        if (isReadTwice) outputs.push(b.op("Neg", [turned]));
        const graph = b.build(outputs);
        const written = readAsTheyLie(graph);
        expect(written.nodes.map((n) => n.op)).toContain("FusedMatMul");
        expect(written.nodes.filter((n) => n.op === "Transpose").length).toBe(
          isReadTwice ? 2 : 1,
        );
        const run = async (isBrief: boolean) => {
          const session = await onnxruntime.load(graph, { isBrief });
          const all = await session.run({ x: numbers(dims, 3) });
          await session.release();
          return outputs.map((name) => [...(all[name]!.data as Float32Array)]);
        };
        const [as, said] = [await run(false), await run(true)];
        as.flat().forEach((v, i) => {
          expect(said.flat()[i]).toBeCloseTo(v, 4);
        });
      },
    ),
    { numRuns: 12 },
  );
});
