import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradient, rules } from "#autodiff";
import { Random } from "#core";
import { onnxruntime, tfjsEngine } from "#engine";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  OPSET,
  sizeOf,
  toFloat32,
} from "#onnx";
import type { Subject } from "../autodiff/check.ts";
import { seeds, subjects } from "../autodiff/subjects/index.ts";
import { runs } from "../runs.ts";

const tfjs = await tfjsEngine();

/** Largest difference, as a share of the largest number. */
const TOLERANCE = 1e-3;

function expectClose(seen: FloatTensor, wanted: FloatTensor, what: string) {
  expect(seen.dims, what).toEqual(wanted.dims);
  const largest = wanted.data.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-2);
  wanted.data.forEach((v, i) => {
    const s = seen.data[i]!;
    if (Object.is(s, v) || s === v) return;
    expect(
      Math.abs(s - v) / largest,
      `${what}, element ${i}: ${s} instead of ${v}`,
    ).toBeLessThan(TOLERANCE);
  });
}

/**
 * The same values and gradients from the tape of TensorFlow.js as from our gradient
 * graph on onnxruntime.
 */
async function checkParity(subject: Subject, seed: number) {
  const random = new Random(subject.seed ?? seed);
  const b = new GraphBuilder({
    ...emptyGraph("subject"),
    opsets: new Map([["", subject.opset ?? OPSET]]),
  });
  const type = subject.type ?? "float32";
  const names = subject.shapes.map((dims, i) =>
    b.input({ name: `x${i}`, type, dims: subject.declared?.[i] ?? dims }),
  );
  const y = subject.build(b, names);
  const draw = subject.draw ?? ((r: Random) => r.normal());
  const made = subject.shapes.map((dims) => {
    const n = sizeOf(dims);
    return floats(
      dims,
      Array.from({ length: n }, (_, i) => draw(random, i, n)),
    );
  });
  const feeds = Object.fromEntries(names.map((name, i) => [name, made[i]!]));
  const graph = toFloat32(b.build([y]));
  const plain = await onnxruntime.load(graph);
  const dims = (await plain.run(feeds))[y]?.dims ?? [];
  const weights = floats(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random.normal()),
  );
  const seeded = new GraphBuilder(graph);
  seeded.input({ name: "weights", type: "float32", dims });
  const request = { of: y, wrt: names, seed: "weights" };
  const ours = gradient(seeded.build([y]), request);
  const session = await onnxruntime.load(ours.graph);
  const wanted = await session.run({ ...feeds, weights });
  const theirs = await tfjs.differentiate?.(seeded.build([y]), request);
  if (!theirs) throw new Error("no tape");
  const seen = await theirs.session.run({ ...feeds, weights });
  const value = (from: typeof seen, name = "") => from[name] as FloatTensor;
  expectClose(value(seen, y), value(wanted, y), "output");
  for (const name of names) {
    expectClose(
      value(seen, theirs.gradients.get(name)),
      value(wanted, ours.gradients.get(name)),
      `gradient of ${name}`,
    );
  }
  await theirs.session.release();
  await plain.release();
  await session.release();
}

describe("its tape and our gradients", () => {
  test("every rule is compared", () => {
    expect(Object.keys(subjects).sort()).toEqual(Object.keys(rules).sort());
  });

  test.each(Object.entries(subjects))("%s", (op, arbitrary) =>
    fc.assert(
      fc.asyncProperty(arbitrary, seeds, checkParity),
      runs(op === "Conv" ? 20 : 8),
    ),
  );
});
