import { onnxruntime } from "#engine";
import { decodeModel, type Graph, normalise, type Tensor } from "#onnx";
import { halfToNumber } from "../../src/onnx/float32.ts";
import { inferredBesideRun } from "../onnx/inferred.ts";
import type { NodeTest } from "./archive.ts";

export type Verdict =
  | { readonly kind: "passed" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

const refused = (why: string): Verdict => ({ kind: "refused", why });

/** Tests whose outputs are drawn at random. */
const random = /bernoulli|multinomial|training_dropout(?!_zero)/;

/**
 * Reads a test's model, brings it to a current opset, runs it and
 * compares what comes out.
 */
export async function forward(
  test: NodeTest,
): Promise<{ verdict: Verdict; graph?: Graph }> {
  if (random.test(test.name)) return { verdict: refused("it draws at random") };
  if (test.name.includes("strnormalizer"))
    return { verdict: refused("it depends on the locales of the machine") };
  if ([...test.inputs, ...test.outputs].some((t) => t === undefined))
    return { verdict: refused("it has values that are not plain tensors") };
  let graph: Graph;
  try {
    graph = normalise(decodeModel(test.model, test.name));
  } catch (error) {
    return { verdict: refused(firstLine(error)) };
  }
  const feeds = feedsOf(graph, test);
  let outputs: Record<string, Tensor>;
  try {
    const session = await onnxruntime.load(graph);
    try {
      outputs = await session.run(feeds);
    } finally {
      await session.release();
    }
  } catch {
    return { verdict: refused("onnxruntime does not run it"), graph };
  }
  const { wrong } = await inferredBesideRun(graph, feeds);
  if (wrong.length > 0)
    return { verdict: { kind: "failed", why: `inferred ${wrong[0]}` }, graph };
  for (const [i, { name }] of graph.outputs.entries()) {
    const why = differs(outputs[name], test.outputs[i]);
    if (why)
      return { verdict: { kind: "failed", why: `${name}: ${why}` }, graph };
  }
  return { verdict: { kind: "passed" }, graph };
}

/** The inputs of a test by the names of its graph. */
export const feedsOf = (graph: Graph, test: NodeTest) =>
  Object.fromEntries(
    graph.inputs.map(({ name }, i) => [name, test.inputs[i]!]),
  );

function differs(
  seen: Tensor | undefined,
  expected: Tensor | undefined,
): string | undefined {
  if (!seen || !expected) return "nothing to compare";
  if (seen.dims.join() !== expected.dims.join())
    return `shape [${seen.dims}] instead of [${expected.dims}]`;
  const [a, b] = [valuesOf(seen), valuesOf(expected)];
  // Half precision is all that some tests state.
  const loose = /16/.test(expected.type) ? 1e-2 : 1e-3;
  const largest = b.reduce<number>(
    (most, v) =>
      typeof v === "number" && Number.isFinite(v)
        ? Math.max(most, Math.abs(v))
        : most,
    1,
  );
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    if (typeof x !== "number" || typeof y !== "number")
      return `${x} instead of ${y}`;
    if (!(Math.abs(x - y) <= 1e-5 * largest + loose * Math.abs(y)))
      return `${x} instead of ${y}`;
  }
  return undefined;
}

function valuesOf(t: Tensor): (number | string)[] {
  switch (t.type) {
    case "string":
      return [...(t.data as string[])];
    case "float16":
      return Array.from(t.data as Uint16Array, halfToNumber);
    default:
      return Array.from(t.data as Float32Array, Number);
  }
}

export const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
