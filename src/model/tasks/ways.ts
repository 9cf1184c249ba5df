import { AssayError } from "#core";
import type { FloatTensor, GraphBuilder } from "#onnx";

/**
 * Rows of outputs with their targets. Throws TARGETS_MISSING when there are
 * none, or not as many.
 *
 * @param expected numbers in a row of targets; as many as outputs when left out
 */
export function rowsOf(
  outputs: FloatTensor,
  targets: FloatTensor | undefined,
  expected = outputs.dims[1] ?? 0,
): [row: Float32Array, wanted: Float32Array][] {
  const [n = 0] = outputs.dims;
  if (targets?.dims.join() !== [n, expected].join()) {
    throw new AssayError(
      "TARGETS_MISSING",
      `the model has outputs of shape [${outputs.dims.join(", ")}], what they should be has ${targets ? `shape [${targets.dims.join(", ")}]` : "not been given"}`,
      `Give a row of ${expected} targets for each sample.`,
    );
  }
  const row = ({ data, dims }: FloatTensor, i: number) => {
    const size = dims[1] ?? 0;
    return data.subarray(i * size, (i + 1) * size);
  };
  return Array.from({ length: n }, (_, i) => [
    row(outputs, i),
    row(targets, i),
  ]);
}

/**
 * Logits of "right", which is 0 or NaN where one of the others is, and of the
 * ways to be wrong.
 */
export function besideRight(
  outputs: FloatTensor,
  targets: FloatTensor | undefined,
  ways: (row: Float32Array, wanted: Float32Array) => number[],
  expected?: number,
): FloatTensor {
  const rows = rowsOf(outputs, targets, expected).map(([row, wanted]) => {
    const all = ways(row, wanted);
    return [all.some(Number.isNaN) ? Number.NaN : 0, ...all];
  });
  return {
    type: "float32",
    dims: [rows.length, rows[0]?.length ?? 0],
    data: Float32Array.from(rows.flat()),
  };
}

/** The same in a graph: parts of the ways, each [N, some]. */
export function waysInGraph(b: GraphBuilder, parts: readonly string[]): string {
  const right = b.mul(b.slice(parts[0]!, [0], [1], [1]), 0);
  return b.concat([right, ...parts], 1);
}
