import { AssayError } from "#core";
import type { FloatTensor, GraphBuilder } from "#onnx";

/**
 * Rows of outputs with their targets. Throws TARGETS_MISSING when there are
 * none, or not as many.
 */
export function rowsOf(
  outputs: FloatTensor,
  targets: FloatTensor | undefined,
): [row: Float32Array, wanted: Float32Array][] {
  const [n = 0, width = 0] = outputs.dims;
  if (targets?.dims.join() !== outputs.dims.join()) {
    throw new AssayError(
      "TARGETS_MISSING",
      `the model has outputs of shape [${outputs.dims.join(", ")}], what they should be has ${targets ? `shape [${targets.dims.join(", ")}]` : "not been given"}`,
      "Give a row of targets for each sample, a number for each output.",
    );
  }
  const row = ({ data }: FloatTensor, i: number) =>
    data.subarray(i * width, (i + 1) * width);
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
): FloatTensor {
  const rows = rowsOf(outputs, targets).map(([row, wanted]) => {
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
