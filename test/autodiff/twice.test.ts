import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { AssayError, Random } from "#core";
import { onnxruntime } from "#engine";
import {
  arrayTypes,
  emptyGraph,
  GraphBuilder,
  OPSET,
  sizeOf,
  type Tensor,
} from "#onnx";
import type { Subject } from "./check.ts";
import { subjects } from "./subjects/index.ts";

/**
 * Operators whose gradient cannot be differentiated again. They are refused
 * with the reason.
 */
const onceOnly = ["LayerNormalization"];

/**
 * Differences of what is rounded say nothing of the gradient that is passed through it.
 */
const rounded = /Quantize|Integer/;

test.each(Object.entries(subjects).filter(([op]) => !rounded.test(op)))(
  "the gradient of %s is differentiated again",
  async (op, arbitrary) => {
    const [subject] = fc.sample(arbitrary, { numRuns: 1, seed: 3 }) as [
      Subject,
    ];
    const refused = await second(subject).then(
      () => false,
      (error) => {
        if (
          error instanceof AssayError &&
          error.code === "GRADIENT_UNSUPPORTED"
        )
          return true;
        throw error;
      },
    );
    expect(refused).toBe(onceOnly.includes(op));
  },
);

/** Compares the gradient of |gradient|^2 with differences along a direction. */
async function second(subject: Subject): Promise<void> {
  const { shapes, build, type = "float32", avoid, opset = OPSET } = subject;
  const step = subject.step ?? (type === "float64" ? 1e-5 : 1e-2);
  const b = new GraphBuilder({
    ...emptyGraph("subject"),
    opsets: new Map([["", opset]]),
  });
  const names = shapes.map((dims, i) => b.input({ name: `x${i}`, type, dims }));
  const y = build(b, names);
  const of = b.reduceSum(b.mul(y, y));
  const once = gradient(b.build([of]), { of, wrt: names, avoid });
  const c = new GraphBuilder(once.graph, "again/");
  const terms = [...once.gradients.values()].map((g) =>
    c.reduceSum(c.mul(g, g)),
  );
  const total = c.op("Sum", terms);
  const graph = c.build([total]);
  const twice = gradient(graph, { of: total, wrt: names, avoid });
  const random = new Random(4);
  const draw = subject.draw ?? ((r: Random) => r.normal());
  const make = (
    dims: readonly number[],
    each: (i: number, n: number) => number,
  ) => {
    const n = sizeOf(dims);
    const values = Array.from({ length: n }, (_, i) => each(i, n));
    const data = (arrayTypes[type] as typeof Float64Array).from(values);
    return { type, dims, data } as Tensor;
  };
  const x = shapes.map((dims) => make(dims, (i, n) => draw(random, i, n)));
  const way = shapes.map((dims) => make(dims, () => 2 * random.uniform() - 1));
  const at = (share: number) =>
    Object.fromEntries(
      names.map((name, k) => [
        name,
        make(
          shapes[k] as number[],
          (i) => Number(x[k]?.data[i]) + share * Number(way[k]?.data[i]),
        ),
      ]),
    );
  const plain = await onnxruntime.load(graph);
  const value = async (share: number) =>
    Number((await plain.run(at(share)))[total]?.data[0]);
  const session = await onnxruntime.load(twice.graph);
  const outputs = await session.run(at(0));
  let ours = 0;
  let scale = 1e-2;
  names.forEach((name, k) => {
    const g = outputs[twice.gradients.get(name) as string]!;
    g.data.forEach((v, i) => {
      ours += Number(v) * Number(way[k]?.data[i]);
      scale += Number(v) ** 2;
    });
  });
  const h = 0.1 * step;
  const theirs = ((await value(h)) - (await value(-h))) / (2 * h);
  await plain.release();
  await session.release();
  expect(
    Math.abs(ours - theirs) / Math.sqrt(scale),
    `difference ${theirs}, gradient ${ours}`,
  ).toBeLessThan(type === "float64" ? 1e-3 : 0.1);
}
