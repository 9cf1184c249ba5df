import { attribute, int, type Node } from "#onnx";
import type { Rule, RuleContext, RuleTable } from "../rule.ts";

const matmul: Rule = ({ b, x, y, g, makerOf }) => {
  const ranks = [b.rankedDims(x).length, b.rankedDims(y).length];
  if (ranks[0] === 1 || ranks[1] === 1) return withVectors(b, x, y, g);
  // A weight shared by a whole batch: one product instead of a batch of
  // them that is summed.
  if (ranks[1] === 2 && (ranks[0] ?? 0) > 2) {
    const k = b.dims(y)?.[0];
    const n = b.dims(y)?.[1];
    if (typeof k === "number" && typeof n === "number") {
      return [
        b.matmul(g, b.transposeLast(y)),
        b.op("Gemm", [b.reshape(x, [-1, k]), b.reshape(g, [-1, n])], {
          transA: int(1),
        }),
      ];
    }
  }
  return [
    b.matmul(g, b.transposeLast(y)),
    isTurned(makerOf(y))
      ? b.transposeLast(b.matmul(b.transposeLast(g), x))
      : b.matmul(b.transposeLast(x), g),
  ];
};

/**
 * Whether a node exchanges the last two axes. The gradient of what it gives is turned
 * once more by its own rule: written as a turned one, it is turned by no one.
 */
function isTurned(node: Node | undefined): boolean {
  if (node?.op !== "Transpose" || node.domain !== "") return false;
  const order = attribute(node, "perm", "ints", []);
  const last = order.length - 1;
  return order.every(
    (axis, i) => axis === (i < last - 1 ? i : 2 * last - 1 - i),
  );
}

/**
 * MatMul with a one-dimensional operand: seen as a row or column matrix,
 * and squeezed again.
 */
function withVectors(
  b: RuleContext["b"],
  x: string,
  y: string,
  g: string,
): string[] {
  const xVector = b.rankedDims(x).length === 1;
  const yVector = b.rankedDims(y).length === 1;
  const xMatrix = xVector ? b.unsqueeze(x, [0]) : x;
  const yMatrix = yVector ? b.unsqueeze(y, [1]) : y;
  const column = yVector ? b.unsqueeze(g, [-1]) : g;
  const full = xVector ? b.unsqueeze(column, [-2]) : column;
  const dx = b.matmul(full, b.transposeLast(yMatrix));
  const dy = b.matmul(b.transposeLast(xMatrix), full);
  return [
    xVector ? b.squeeze(dx, [-2]) : dx,
    yVector ? b.squeeze(dy, [-1]) : dy,
  ];
}

const gemm: Rule = ({ b, node, x, y, g }) => {
  const alpha = attribute(node, "alpha", "float", 1);
  const beta = attribute(node, "beta", "float", 1);
  const tx = attribute(node, "transA", "int", 0);
  const ty = attribute(node, "transB", "int", 0);
  const product = (p: string, q: string, tp: number, tq: number) =>
    b.op("Gemm", [p, q], {
      alpha: { kind: "float", value: alpha },
      transA: int(tp),
      transB: int(tq),
    });
  return [
    tx ? product(y, g, ty, 1) : product(g, y, 0, 1 - ty),
    ty ? product(g, x, 1, tx) : product(x, g, 1 - tx, 0),
    beta === 1 ? g : b.mul(g, beta),
  ];
};

export const matrix: RuleTable = { MatMul: matmul, Gemm: gemm };
