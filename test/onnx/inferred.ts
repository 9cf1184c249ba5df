import { onnxruntime } from "#engine";
import { BATCH, type Dim, type Graph, shapeText, withSizes } from "#onnx";
import type { Feeds } from "../../src/engine/engine.ts";

/** What is inferred of the values of a graph, beside what a run gives. */
export interface Inferred {
  /** Values of which type and rank are inferred. */
  readonly values: number;
  /** Sentences about those that come out otherwise. */
  readonly wrong: readonly string[];
}

/**
 * Compares type and shape of every value inside a graph, as they follow from its inputs
 * alone, with what onnxruntime computes.
 */
export async function inferredBesideRun(
  graph: Graph,
  feeds: Feeds,
): Promise<Inferred> {
  const { valueInfo } = withSizes({ ...graph, outputs: [], valueInfo: [] });
  if (valueInfo.length === 0) return { values: 0, wrong: [] };
  const outputs = valueInfo.map(({ name, type }) => ({ name, type }));
  const session = await onnxruntime.load({ ...graph, outputs, valueInfo: [] });
  const seen = await session.run(feeds);
  await session.release();
  const batch = Object.values(feeds)[0]?.dims[0] ?? 1;
  const wrong = valueInfo.flatMap(({ name, type, dims = [] }) => {
    const value = seen[name]!;
    const agrees =
      value.type === type &&
      value.dims.length === dims.length &&
      dims.every(
        (d, i) => (sizeOf(d, batch) ?? value.dims[i]) === value.dims[i],
      );
    return agrees
      ? []
      : [
          `${name}: ${type} ${shapeText(dims)} instead of ${value.type} ${shapeText(value.dims)}`,
        ];
  });
  return { values: valueInfo.length, wrong };
}

/** A size as a number, for a batch of so many; undefined when it has other names. */
function sizeOf(dim: Dim, batch: number): number | undefined {
  if (typeof dim !== "string") return dim ?? undefined;
  const parts = dim.split("*").map((p) => (p === BATCH ? batch : Number(p)));
  const size = parts.reduce((product, p) => product * p, 1);
  return Number.isNaN(size) ? undefined : size;
}
